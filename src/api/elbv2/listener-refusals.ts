import type { Action, MutualAuthenticationAttributes } from "@aws-sdk/client-elastic-load-balancing-v2";
import { refusedActions } from "./action-refusals.ts";
import type { RefusedRow, RefusedRows } from "./refuse.ts";

/** What CreateListener and ModifyListener have in common. */
interface ListenerWish {
  readonly Protocol?: string;
  readonly MutualAuthentication?: MutualAuthenticationAttributes;
  readonly DefaultActions?: readonly Action[];
}

const LISTENER: readonly RefusedRow<ListenerWish>[] = [
  {
    member: "MutualAuthentication.Mode",
    what: "other than off",
    when: ({ MutualAuthentication: mutual }) => mutual?.Mode !== undefined && mutual.Mode !== "off",
  },
  {
    member: "Protocol",
    what: "other than HTTP, HTTPS, TCP and TLS",
    when: ({ Protocol: p }) => p !== undefined && !["HTTP", "HTTPS", "TCP", "TLS"].includes(p),
    hint: "Use 'HTTP' or 'HTTPS' on an application and 'TCP' or 'TLS' on a network load balancer.",
    code: "UnsupportedProtocolException",
  },
  ...refusedActions<ListenerWish>("DefaultActions", ({ DefaultActions: actions }) => actions),
];

export const CREATE_LISTENER_REFUSED: RefusedRows<"CreateListener"> = LISTENER;
export const MODIFY_LISTENER_REFUSED: RefusedRows<"ModifyListener"> = LISTENER;
