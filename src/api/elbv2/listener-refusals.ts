import type { Action } from "@aws-sdk/client-elastic-load-balancing-v2";
import { refusedActions } from "./action-refusals.ts";
import type { RefusedRow, RefusedRows } from "./refuse.ts";

/** What CreateListener and ModifyListener have in common. */
interface ListenerWish {
  readonly Protocol?: string;
  readonly DefaultActions?: readonly Action[];
}

const NO_TLS = "Listeners are HTTP or TCP.";

const LISTENER: readonly RefusedRow<ListenerWish>[] = [
  { member: "SslPolicy", hint: NO_TLS },
  { member: "Certificates", hint: NO_TLS },
  { member: "AlpnPolicy", hint: NO_TLS },
  { member: "MutualAuthentication", hint: NO_TLS },
  {
    member: "Protocol",
    what: "other than HTTP and TCP",
    when: ({ Protocol: p }) => p !== undefined && p !== "HTTP" && p !== "TCP",
    hint: "Use 'HTTP' on an application and 'TCP' on a network load balancer.",
    code: "UnsupportedProtocolException",
  },
  ...refusedActions<ListenerWish>("DefaultActions", ({ DefaultActions: actions }) => actions),
];

export const CREATE_LISTENER_REFUSED: RefusedRows<"CreateListener"> = LISTENER;
export const MODIFY_LISTENER_REFUSED: RefusedRows<"ModifyListener"> = LISTENER;
