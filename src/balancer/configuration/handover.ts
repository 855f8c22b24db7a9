import { createHash } from "node:crypto";
import type { ListenerState } from "../state.ts";
import { quoteWord } from "./quote-word.ts";

/**
 * A worker that a reload has retired keeps the connections of its clients, but hears of no change any more: of no target that came
 * or left, no weight and no rule. So it decides nothing about a request that comes on one of them. It treats the request's headers
 * as the listener it came to, tells its client that the connection is at its end, and hands the request to the worker of now,
 * over a socket that leads to the same listener's rules there. The client's address goes along by the PROXY protocol.
 */
export interface HandoverSettings {
  /** The address of a socket that all workers of the balancer share and nobody else may use; `name` has letters, digits, `-`. */
  readonly handoverAddress: (name: string) => string;
  readonly user?: { readonly name: string };
}

/** The backend in the worker that hands over, and the frontend in the one that takes. */
const nameOf = (listener: ListenerState) =>
  `handover.${createHash("sha256").update(listener.id).digest("hex").slice(0, 12)}`;

/** Whether a request that was given to this server of this backend was handed over, by the names in a log. */
export const isHandedOver = (backend: string, server: string): boolean =>
  backend.startsWith("handover.") && server === "current";

const addressOf = (listener: ListenerState, settings: HandoverSettings) =>
  quoteWord(settings.handoverAddress(nameOf(listener).replace(".", "-")));

/** The lines of the request phase of an HTTP frontend, `decide`, which a retired worker leaves out. */
export const unlessStopping = (decide: readonly string[]): readonly string[] =>
  decide.some((line) => line.startsWith("  http-request "))
    ? ["  http-request allow if { stopping }", ...decide]
    : decide;

/** The first of the lines that choose a backend. */
export const handoverChoice = (listener: ListenerState): string => `  use_backend ${nameOf(listener)} if { stopping }`;

/** The frontend that takes over what comes to `listener`, with the lines that decide, and the backend that hands over. */
export function handoverSections(
  listener: ListenerState,
  decide: readonly string[],
  idle: string,
  settings: HandoverSettings,
): string[][] {
  const address = addressOf(listener, settings);
  const owner = settings.user === undefined ? "" : ` user ${quoteWord(settings.user.name)}`;
  return [
    [
      `frontend ${nameOf(listener)}`,
      "  mode http",
      `  bind ${address}${owner} mode 600 accept-proxy`,
      `  timeout client ${idle}`,
      ...decide,
    ],
    [
      `backend ${nameOf(listener)}`,
      "  mode http",
      `  timeout server ${idle}`,
      `  timeout tunnel ${idle}`,
      // The one that takes may be retired next.
      "  http-reuse never",
      `  server current ${address} send-proxy-v2`,
    ],
  ];
}
