import type { ElbV2Operations } from "../../wire/models/elbv2.ts";
import type { ApiContext } from "../context.ts";
import { TEST_CALL, testContext } from "../ecs/testing.ts";
import { createElbV2Service } from "./service.ts";

type Input<K extends keyof ElbV2Operations> = ElbV2Operations[K]["input"];
type Output<K extends keyof ElbV2Operations> = ElbV2Operations[K]["output"];

/** Calls operations of the service over a context. */
export function caller(context: ApiContext) {
  const service = createElbV2Service(context);
  const signal = new AbortController().signal;
  return <K extends keyof ElbV2Operations>(operation: K, input: Input<K>): Promise<Output<K>> =>
    service.call(operation, input, { ...TEST_CALL, signal }) as Promise<Output<K>>;
}

/** A load balancer, a target group and a listener that joins them. */
export async function stack(given: Partial<Input<"CreateTargetGroup">> = {}) {
  const context = await testContext();
  const elb = caller(context);
  const lb = (await elb("CreateLoadBalancer", { Name: "web", Subnets: ["subnet-1"] })).LoadBalancers?.[0];
  const tg = (await elb("CreateTargetGroup", { Name: "web", Protocol: "HTTP", Port: 80, VpcId: "vpc-1", ...given }))
    .TargetGroups?.[0];
  const LoadBalancerArn = lb?.LoadBalancerArn ?? "";
  const TargetGroupArn = tg?.TargetGroupArn ?? "";
  const forward = [{ Type: "forward" as const, TargetGroupArn }];
  const listener = (
    await elb("CreateListener", { LoadBalancerArn, Protocol: "HTTP", Port: 8080, DefaultActions: forward })
  ).Listeners?.[0];
  return { context, elb, LoadBalancerArn, TargetGroupArn, ListenerArn: listener?.ListenerArn ?? "", forward };
}
