import { isIPv6 } from "node:net";
import type { TargetGroupState, TargetState } from "../state.ts";

/** How often a target that is down is looked at, at most: a new target enters about this long after it can serve. */
const DOWN_INTERVAL_MS = 1000;

/** Connections refused in a row until a server leaves rotation without waiting for its next check. */
const CONNECTION_ERROR_LIMIT = 3;

/** An address and port as HAProxy reads them. */
export function socketAddress(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The port that the target is checked on, or undefined where it is the port of its traffic. */
function checkPort(group: TargetGroupState, target: TargetState): number | undefined {
  const port = target.checkPort ?? (group.healthCheck.port === "traffic-port" ? undefined : group.healthCheck.port);
  return port === target.port ? undefined : port;
}

/**
 * The words after the name in a `server` line (`written`) and in `add server` (`added`), which takes nothing from `default-server`.
 * Written servers are checked over TLS if their traffic goes over it, and must be told if not; added ones are the reverse.
 *
 * A server that is up, or on its way up or down, is checked at the group's interval; one that is down, each second. Some
 * failed connections in a row take it out at once (`observe`): the driver then has it checked anew (health.ts, suspect).
 */
export function serverOptions(group: TargetGroupState, target: TargetState, how: "written" | "added"): string {
  const check = group.healthCheck;
  const words = [socketAddress(target.address, target.port), "weight 1", ...trafficWords(group)];
  if (group.slowStartSeconds !== undefined) words.push(`slowstart ${group.slowStartSeconds}s`);
  if (check.enabled) {
    if (group.proxyProtocol === true) words.push("check-send-proxy");
    if (check.tls === true) words.push(group.tls === true ? "check-ssl" : "check-ssl verify none");
    if (group.version !== undefined) words.push(check.tls === true ? "check-alpn h2" : "check-proto h2");
    if (check.tls !== true && group.tls === true && how === "written") words.push("no-check-ssl");
    const inter = Math.round(check.intervalSeconds * 1000);
    words.push(`check inter ${inter}ms fastinter ${inter}ms downinter ${Math.min(inter, DOWN_INTERVAL_MS)}ms`);
    words.push(`rise ${check.healthyThreshold} fall ${check.unhealthyThreshold}`);
    const port = checkPort(group, target);
    if (port !== undefined) words.push(`port ${port}`);
    words.push(`observe layer4 error-limit ${CONNECTION_ERROR_LIMIT} on-error mark-down`);
  }
  return words.join(" ");
}

/** The same for the unchecked copy. */
export function backupOptions(group: TargetGroupState, target: TargetState): string {
  return [socketAddress(target.address, target.port), "weight 1", ...trafficWords(group), "backup"].join(" ");
}

/** What is spoken with the target. As ELB does, whatever certificate it shows is taken. */
function trafficWords(group: TargetGroupState): string[] {
  const words: string[] = [];
  // HAProxy's own defaults, which a server that is added by a command does not have: it would connect anew for each request.
  if (group.protocol === "HTTP") words.push("pool-max-conn -1 pool-purge-delay 5s");
  if (group.tls === true) words.push("ssl verify none");
  if (group.version !== undefined) words.push(group.tls === true ? "alpn h2" : "proto h2");
  if (group.proxyProtocol === true) words.push("send-proxy-v2");
  return words;
}
