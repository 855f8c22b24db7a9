import { ACS_PATH, TCS_PATH } from "../../../gateway/index.ts";
import { clientError } from "../errors.ts";
import type { Operation } from "../operation.ts";

/**
 * Where an agent opens its sessions: at the address by which it reached us, so that one behind a proxy or a port mapping
 * comes back the same way. Agents keep the answer for 12 hours.
 */
export const discoverPollEndpoint: Operation<"DiscoverPollEndpoint"> = (_context, _input, call) => {
  if (!/^[A-Za-z0-9._:[\]-]{1,255}$/.test(call.host)) throw clientError("The Host header is missing or malformed.");
  const origin = `${call.secure ? "https" : "http"}://${call.host}`;
  return { endpoint: `${origin}${ACS_PATH}`, telemetryEndpoint: `${origin}${TCS_PATH}` };
};
