import type { Action } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { RefusedRow, RefusedRows } from "./refuse.ts";

/** What CreateListener and ModifyListener have in common. */
interface ListenerWish {
  readonly Protocol?: string;
  readonly DefaultActions?: readonly Action[];
}

const NO_TLS = "Listeners are HTTP or TCP.";
const ONE_FORWARD = "Give one action of type 'forward'.";

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
  {
    member: "DefaultActions",
    what: "with more than one action",
    when: ({ DefaultActions: actions = [] }) => actions.length > 1,
    hint: ONE_FORWARD,
  },
  {
    member: "DefaultActions[].Type",
    what: "other than forward",
    when: ({ DefaultActions: actions = [] }) => actions.some((a) => a.Type !== "forward"),
    hint: ONE_FORWARD,
  },
  {
    member: "DefaultActions[].ForwardConfig.TargetGroupStickinessConfig.Enabled",
    what: "true",
    when: ({ DefaultActions: actions = [] }) =>
      actions.some((a) => a.ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true),
  },
];

export const CREATE_LISTENER_REFUSED: RefusedRows<"CreateListener"> = LISTENER;
export const MODIFY_LISTENER_REFUSED: RefusedRows<"ModifyListener"> = LISTENER;
