/** The door of capacity: hosts that come and go on demand, and what this machine can offer. */
export { buildHelloImage } from "./hello-image.ts";
export { detectMachine, type Machine } from "./machine.ts";
export { HostError } from "./netns/host-error.ts";
export {
  addHost,
  type Host,
  type HostRequest,
  type HostStatus,
  killHost,
  listHosts,
  removeHost,
} from "./netns/hosts.ts";
export { type HostsSettings, hostsSettings } from "./netns/settings.ts";
