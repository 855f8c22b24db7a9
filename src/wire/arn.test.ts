import assert from "node:assert/strict";
import { test } from "node:test";
import * as arn from "./arn.ts";

const scope = { region: "eu-home-1", accountId: "000000000000" };
const HEX = "0123456789abcdef";
const ecs = "arn:aws:ecs:eu-home-1:000000000000:";
const elb = "arn:aws:elasticloadbalancing:eu-home-1:000000000000:";
const lb = { loadBalancerKind: "app", loadBalancerName: "web", loadBalancerId: HEX };
const inService = { clusterName: "c_1", serviceName: "api" };

const rows: readonly { made: string; want: string; parse: (text: string) => object | undefined }[] = [
  { made: arn.clusterArn(scope, { clusterName: "c_1" }), want: `${ecs}cluster/c_1`, parse: arn.parseClusterArn },
  { made: arn.taskArn(scope, { clusterName: "c", taskId: HEX }), want: `${ecs}task/c/${HEX}`, parse: arn.parseTaskArn },
  {
    made: arn.containerArn(scope, { clusterName: "c", taskId: HEX, containerId: "a-b" }),
    want: `${ecs}container/c/${HEX}/a-b`,
    parse: arn.parseContainerArn,
  },
  {
    made: arn.taskDefinitionArn(scope, { family: "web", revision: 12 }),
    want: `${ecs}task-definition/web:12`,
    parse: arn.parseTaskDefinitionArn,
  },
  { made: arn.serviceArn(scope, inService), want: `${ecs}service/c_1/api`, parse: arn.parseServiceArn },
  {
    made: arn.containerInstanceArn(scope, { clusterName: "c", containerInstanceId: HEX }),
    want: `${ecs}container-instance/c/${HEX}`,
    parse: arn.parseContainerInstanceArn,
  },
  {
    made: arn.capacityProviderArn(scope, { capacityProviderName: "FARGATE" }),
    want: `${ecs}capacity-provider/FARGATE`,
    parse: arn.parseCapacityProviderArn,
  },
  {
    made: arn.taskSetArn(scope, { ...inService, taskSetId: "ecs-svc/123" }),
    want: `${ecs}task-set/c_1/api/ecs-svc/123`,
    parse: arn.parseTaskSetArn,
  },
  {
    made: arn.serviceDeploymentArn(scope, { ...inService, serviceDeploymentId: "Xy_-9" }),
    want: `${ecs}service-deployment/c_1/api/Xy_-9`,
    parse: arn.parseServiceDeploymentArn,
  },
  {
    made: arn.serviceRevisionArn(scope, { ...inService, serviceRevisionId: "4980306466373577095" }),
    want: `${ecs}service-revision/c_1/api/4980306466373577095`,
    parse: arn.parseServiceRevisionArn,
  },
  { made: arn.loadBalancerArn(scope, lb), want: `${elb}loadbalancer/app/web/${HEX}`, parse: arn.parseLoadBalancerArn },
  {
    made: arn.targetGroupArn(scope, { targetGroupName: "tg", targetGroupId: HEX }),
    want: `${elb}targetgroup/tg/${HEX}`,
    parse: arn.parseTargetGroupArn,
  },
  {
    made: arn.listenerArn(scope, { ...lb, listenerId: HEX }),
    want: `${elb}listener/app/web/${HEX}/${HEX}`,
    parse: arn.parseListenerArn,
  },
  {
    made: arn.listenerRuleArn(scope, { ...lb, loadBalancerKind: "net", listenerId: HEX, ruleId: HEX }),
    want: `${elb}listener-rule/net/web/${HEX}/${HEX}/${HEX}`,
    parse: arn.parseListenerRuleArn,
  },
];

for (const row of rows)
  test(`${row.want} is made, is parsed by its own parser and by no other`, () => {
    assert.equal(row.made, row.want);
    for (const other of rows) assert.equal(other.parse(row.want) !== undefined, other === row, other.want);
  });

test("a parsed ARN names its parts", () => {
  assert.deepEqual(arn.parseTaskDefinitionArn("arn:aws-cn:ecs:r:123456789012:task-definition/web:7"), {
    arn: "arn:aws-cn:ecs:r:123456789012:task-definition/web:7",
    partition: "aws-cn",
    region: "r",
    accountId: "123456789012",
    family: "web",
    revision: 7,
  });
});

test("a name that its place cannot hold is refused rather than written into another resource's ARN", () => {
  assert.throws(() => arn.serviceArn(scope, { clusterName: "c", serviceName: "a/b" }), RangeError);
  assert.throws(() => arn.clusterArn(scope, { clusterName: "" }), RangeError);
  assert.throws(() => arn.clusterArn({ ...scope, accountId: "1" }, { clusterName: "c" }), RangeError);
  assert.throws(() => arn.taskDefinitionArn(scope, { family: "f", revision: 0 }), RangeError);
});

test("what is not an ARN is undefined", () => {
  for (const text of [
    "",
    "default",
    "arn:aws:ecs",
    `${ecs}cluster/a\n`,
    `${ecs}cluster/a b`,
    "arn:aws:ecs::000000000000:cluster/a",
  ])
    assert.equal(arn.parseClusterArn(text), undefined, text);
});
