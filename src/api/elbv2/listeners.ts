import type { Listener } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { ListenerProtocol, ListenerRecord, LoadBalancerRecord } from "../../model/load-balancer.ts";
import type { BerthTransaction, BerthView } from "../../store/index.ts";
import { listenerArn, listenerRuleArn, parseLoadBalancerArn } from "../../wire/arn.ts";
import type { ApiContext } from "../context.ts";
import { actionsFrom } from "./actions.ts";
import { ElbError, validationError } from "./errors.ts";
import { CREATE_LISTENER_REFUSED, MODIFY_LISTENER_REFUSED } from "./listener-refusals.ts";
import { tlsFrom } from "./listener-tls.ts";
import { listenerOf, loadBalancerOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";
import { refuseMembers } from "./refuse.ts";
import { tagsFrom } from "./tags.ts";

/** How many listeners a load balancer may have. Source: ELB quotas. */
const MAX_LISTENERS = 50;

export const createListener: Operation<"CreateListener"> = async (context, input) => {
  const { store, clock, random, scope } = context;
  refuseMembers(CREATE_LISTENER_REFUSED, input);
  const loadBalancer = loadBalancerOf(store.view, input.LoadBalancerArn);
  const protocol = protocolOf(loadBalancer, input.Protocol);
  const port = portOf(input.Port);
  checkPortUnused(store.view, loadBalancer, port);
  await checkBindable(context, loadBalancer, port);
  const [listenerId, ruleId] = [random.hex(8), random.hex(8)];
  const now = clock.now();
  const record = await store.transact("CreateListener", (tx) => {
    const owner = loadBalancerOf(tx, loadBalancer.arn);
    checkPortUnused(tx, owner, port);
    if (tx.listeners.count("loadBalancer", owner.arn) >= MAX_LISTENERS) {
      throw new ElbError(
        "TooManyListenersException",
        `Load balancer '${owner.arn}' has ${MAX_LISTENERS} listeners already`,
      );
    }
    const names = { ...namesOf(owner), listenerId };
    const arn = listenerArn(scope, names);
    return tx.listeners.put({
      arn,
      loadBalancerArn: owner.arn,
      protocol,
      port,
      ...tlsFrom(tx, protocol, {}, input),
      defaultActions: actionsFrom(tx, { owner, protocol, port }, input.DefaultActions ?? []),
      defaultRuleArn: listenerRuleArn(scope, { ...names, ruleId }),
      attributes: {},
      tags: tagsFrom({}, input.Tags ?? []),
      createdAt: now,
    });
  });
  return { Listeners: [toWire(record)] };
};

export const modifyListener: Operation<"ModifyListener"> = async (context, input) => {
  const { store } = context;
  refuseMembers(MODIFY_LISTENER_REFUSED, input);
  const before = listenerOf(store.view, input.ListenerArn);
  const owner = loadBalancerOf(store.view, before.loadBalancerArn);
  const port = input.Port === undefined ? before.port : portOf(input.Port);
  const protocol = input.Protocol === undefined ? before.protocol : protocolOf(owner, input.Protocol);
  if (port !== before.port) {
    checkPortUnused(store.view, owner, port);
    await checkBindable(context, owner, port);
  }
  const record = await store.transact("ModifyListener", (tx) => {
    const found = listenerOf(tx, before.arn);
    if (port !== found.port) checkPortUnused(tx, owner, port);
    const actions = input.DefaultActions ?? [...found.defaultActions];
    const { certificateArn, extraCertificateArns, sslPolicy, alpnPolicy, ...others } = found;
    const tls = { certificateArn, extraCertificateArns, sslPolicy, alpnPolicy };
    return tx.listeners.put({
      ...others,
      ...tlsFrom(tx, protocol, tls, input),
      port,
      protocol,
      defaultActions: actionsFrom(tx, { owner, protocol, port }, actions),
    });
  });
  return { Listeners: [toWire(record)] };
};

export const deleteListener: Operation<"DeleteListener"> = async ({ store }, input) => {
  await store.transact("DeleteListener", (tx) => removeListener(tx, listenerOf(tx, input.ListenerArn)));
  return {};
};

/** Forgets a listener and its rules. */
export function removeListener(tx: BerthTransaction, { arn }: ListenerRecord): void {
  for (const rule of tx.listenerRules.where("listener", arn)) tx.listenerRules.delete(rule.arn);
  tx.listeners.delete(arn);
}

export const describeListeners: Operation<"DescribeListeners"> = (context, input) => {
  const tables = context.store.view;
  const arns = input.ListenerArns ?? [];
  if (arns.length > 0) return { Listeners: arns.map((arn) => toWire(listenerOf(tables, arn))) };
  if (input.LoadBalancerArn === undefined) {
    throw validationError("You must specify either listener ARNs or a load balancer ARN");
  }
  const { arn } = loadBalancerOf(tables, input.LoadBalancerArn);
  const { items, nextMarker } = page(context, tables.listeners.where("loadBalancer", arn), (l) => l.arn, input, arn);
  return { Listeners: items.map(toWire), NextMarker: nextMarker };
};

/** The parts of a load balancer's ARN, of which those of its listeners and rules are made. */
export function namesOf(owner: LoadBalancerRecord) {
  const names = parseLoadBalancerArn(owner.arn);
  if (names === undefined) throw new Error(`the record of load balancer ${owner.arn} has no well-formed ARN`);
  return names;
}

function protocolOf(owner: LoadBalancerRecord, protocol: string | undefined): ListenerProtocol {
  if (protocol === undefined) throw validationError("A listener protocol must be specified");
  const supported: readonly ListenerProtocol[] = owner.type === "application" ? ["HTTP", "HTTPS"] : ["TCP", "TLS"];
  const wanted = supported.find((one) => one === protocol);
  if (wanted === undefined) {
    throw validationError(
      `Protocol '${protocol}' is not supported on ${owner.type === "application" ? "Application" : "Network"} Load Balancers`,
    );
  }
  return wanted;
}

function portOf(port: number | undefined): number {
  if (port === undefined) throw validationError("A listener port must be specified");
  if (port < 1 || port > 65535) throw validationError(`Port '${port}' is not valid: it must be from 1 to 65535`);
  return port;
}

/** Listeners of all load balancers share their address here, so a port can be had once. Throws DuplicateListener. */
function checkPortUnused(
  tables: Pick<BerthView, "listeners" | "loadBalancers">,
  owner: LoadBalancerRecord,
  port: number,
): void {
  for (const other of tables.listeners.all()) {
    if (other.port !== port || tables.loadBalancers.get(other.loadBalancerArn)?.address !== owner.address) continue;
    throw new ElbError(
      "DuplicateListenerException",
      other.loadBalancerArn === owner.arn
        ? `A listener already exists on this port for this load balancer '${owner.arn}'`
        : `Port ${port} of ${owner.address} is taken by a listener of load balancer '${other.loadBalancerArn}': choose another port`,
    );
  }
}

async function checkBindable(context: ApiContext, owner: LoadBalancerRecord, port: number): Promise<void> {
  const problem = await context.balancer.checkBind(owner.address, port);
  if (problem !== undefined) {
    throw validationError(
      `The listener cannot bind ${owner.address}:${port}: ${problem}. Free the port or choose another one.`,
    );
  }
}

function toWire(l: ListenerRecord): Listener {
  return {
    ListenerArn: l.arn,
    LoadBalancerArn: l.loadBalancerArn,
    Port: l.port,
    Protocol: l.protocol,
    DefaultActions: [...l.defaultActions],
    Certificates: l.certificateArn === undefined ? undefined : [{ CertificateArn: l.certificateArn }],
    SslPolicy: l.sslPolicy,
    AlpnPolicy: l.alpnPolicy === undefined ? undefined : [l.alpnPolicy],
    MutualAuthentication: l.protocol === "HTTPS" ? { Mode: "off" } : undefined,
  };
}
