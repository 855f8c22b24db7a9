import assert from "node:assert/strict";
import { test } from "node:test";
import { targetKey } from "../../model/load-balancer.ts";
import type { TargetGroupArn } from "../../wire/arn.ts";
import { arrange, refused, testContext, testInstance } from "../ecs/testing.ts";
import { caller, stack } from "./testing.ts";

test("a load balancer is active at once, found by ARN and by name, and made only once", async () => {
  const elb = caller(await testContext());
  const made = await elb("CreateLoadBalancer", { Name: "web", Subnets: ["subnet-1", "subnet-2"] });
  const [lb] = made.LoadBalancers ?? [];
  assert.match(lb?.LoadBalancerArn ?? "", /:loadbalancer\/app\/web\/[0-9a-f]{16}$/);
  assert.deepEqual(
    [lb?.State?.Code, lb?.Type, lb?.Scheme, lb?.DNSName],
    ["active", "application", "internet-facing", "127.0.0.1"],
  );
  assert.deepEqual(await elb("CreateLoadBalancer", { Name: "web", Subnets: ["subnet-1", "subnet-2"] }), made);
  assert.deepEqual((await elb("DescribeLoadBalancers", { Names: ["web"] })).LoadBalancers, made.LoadBalancers);
  assert.deepEqual((await elb("DescribeLoadBalancers", {})).LoadBalancers, made.LoadBalancers);
  await refused(
    () => elb("CreateLoadBalancer", { Name: "web", Subnets: ["subnet-3"] }),
    "DuplicateLoadBalancerNameException",
  );
  await refused(() => elb("DescribeLoadBalancers", { Names: ["other"] }), "LoadBalancerNotFoundException");
});

test("names that ELBv2 does not take are refused", async () => {
  const elb = caller(await testContext());
  for (const Name of ["", "-a", "a-", "a_b", "a".repeat(33)]) {
    await refused(() => elb("CreateLoadBalancer", { Name }), "ValidationError");
    await refused(() => elb("CreateTargetGroup", { Name, Protocol: "HTTP", Port: 80 }), "ValidationError");
  }
  await refused(() => elb("CreateLoadBalancer", { Name: "internal-web" }), "ValidationError", /internal-/);
});

test("a target group has ELBv2's defaults for its protocol", async () => {
  const elb = caller(await testContext());
  const http = (await elb("CreateTargetGroup", { Name: "h", Protocol: "HTTP", Port: 80 })).TargetGroups?.[0];
  assert.deepEqual(
    [
      http?.HealthCheckProtocol,
      http?.HealthCheckPath,
      http?.HealthCheckPort,
      http?.HealthCheckIntervalSeconds,
      http?.HealthCheckTimeoutSeconds,
      http?.HealthyThresholdCount,
      http?.UnhealthyThresholdCount,
      http?.Matcher?.HttpCode,
      http?.TargetType,
      http?.ProtocolVersion,
    ],
    ["HTTP", "/", "traffic-port", 30, 5, 5, 2, "200", "instance", "HTTP1"],
  );
  const tcp = (await elb("CreateTargetGroup", { Name: "t", Protocol: "TCP", Port: 80 })).TargetGroups?.[0];
  assert.deepEqual(
    [
      tcp?.HealthCheckProtocol,
      tcp?.HealthCheckPath,
      tcp?.HealthCheckTimeoutSeconds,
      tcp?.Matcher,
      tcp?.ProtocolVersion,
    ],
    ["TCP", undefined, 10, undefined, undefined],
  );
});

test("health check settings out of range are refused, and ModifyTargetGroup keeps what it is not given", async () => {
  const { elb, TargetGroupArn } = await stack();
  for (const wrong of [
    { HealthCheckIntervalSeconds: 4 },
    { HealthCheckIntervalSeconds: 301 },
    { HealthCheckTimeoutSeconds: 1 },
    { HealthyThresholdCount: 1 },
    { UnhealthyThresholdCount: 11 },
    { HealthCheckPath: "no-slash" },
    { HealthCheckPath: "/a\nb" },
    { HealthCheckPort: "0" },
    { Matcher: { HttpCode: "500" } },
    { HealthCheckProtocol: "TCP" as const },
    { HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 5 },
    { HealthCheckEnabled: false },
  ]) {
    await refused(() => elb("ModifyTargetGroup", { TargetGroupArn, ...wrong }), "ValidationError");
  }
  const changed = await elb("ModifyTargetGroup", {
    TargetGroupArn,
    HealthCheckPath: "/up",
    Matcher: { HttpCode: "200,204-299" },
  });
  assert.deepEqual(
    [
      changed.TargetGroups?.[0]?.HealthCheckPath,
      changed.TargetGroups?.[0]?.Matcher?.HttpCode,
      changed.TargetGroups?.[0]?.HealthCheckIntervalSeconds,
    ],
    ["/up", "200,204-299", 30],
  );
});

test("what is not carried out is refused by name", async () => {
  const { elb, LoadBalancerArn, TargetGroupArn, forward } = await stack();
  const lists: readonly (() => Promise<unknown>)[] = [
    () => elb("CreateLoadBalancer", { Name: "g", Type: "gateway" }),
    () => elb("CreateLoadBalancer", { Name: "d", IpAddressType: "dualstack" }),
    () => elb("CreateTargetGroup", { Name: "l", TargetType: "lambda" }),
    () => elb("CreateTargetGroup", { Name: "s", Protocol: "UDP", Port: 443 }),
    () =>
      elb("CreateTargetGroup", {
        Name: "g",
        Protocol: "HTTP",
        ProtocolVersion: "GRPC",
        Port: 80,
        Matcher: { GrpcCode: "0" },
      }),
    () =>
      elb("CreateListener", {
        LoadBalancerArn,
        Protocol: "HTTPS",
        Port: 1,
        DefaultActions: forward,
        MutualAuthentication: { Mode: "passthrough" },
      }),
    () =>
      elb("CreateListener", {
        LoadBalancerArn,
        Protocol: "HTTP",
        Port: 1,
        DefaultActions: [{ Type: "authenticate-oidc" }],
      }),
    () =>
      elb("ModifyTargetGroupAttributes", {
        TargetGroupArn,
        Attributes: [{ Key: "load_balancing.algorithm.anomaly_mitigation", Value: "on" }],
      }),
  ];
  for (const call of lists) await refused(call, "ValidationError", /Berth does not carry out/);
  await refused(
    () => elb("CreateListener", { LoadBalancerArn, Protocol: "UDP", Port: 1, DefaultActions: forward }),
    "UnsupportedProtocolException",
  );
  await refused(
    () => elb("CreateTrustStore", { Name: "x", CaCertificatesBundleS3Bucket: "b", CaCertificatesBundleS3Key: "k" }),
    "UnsupportedOperation",
    /CreateTrustStore/,
  );
});

test("what tools read around every load balancer is answered, and what is asked for by no ARN is refused", async () => {
  const { context, elb, LoadBalancerArn, ListenerArn, TargetGroupArn } = await stack();
  assert.deepEqual(await elb("DescribeCapacityReservation", { LoadBalancerArn }), { CapacityReservationState: [] });
  assert.deepEqual((await elb("DescribeListenerCertificates", { ListenerArn })).Certificates, []);
  const rule = (await elb("DescribeRules", { ListenerArn })).Rules?.[0]?.RuleArn ?? "";
  assert.deepEqual(await elb("DescribeTags", { ResourceArns: [rule] }), {
    TagDescriptions: [{ ResourceArn: rule, Tags: [] }],
  });
  const before = context.store.revision;
  await refused(() => elb("DescribeTags", { ResourceArns: [`${rule}0`] }), "RuleNotFoundException");
  for (const call of [
    () => elb("DeleteLoadBalancer", { LoadBalancerArn: "web" }),
    () => elb("DeleteTargetGroup", { TargetGroupArn: LoadBalancerArn }),
    () => elb("DescribeTargetHealth", { TargetGroupArn: "web" }),
    () => elb("DeleteListener", { ListenerArn: TargetGroupArn }),
    () => elb("DescribeCapacityReservation", { LoadBalancerArn: ListenerArn }),
  ]) {
    await refused(call, "ValidationError", /is not a valid (load balancer|target group|listener) ARN$/);
  }
  assert.equal(context.store.revision, before);
});

test("subnets and security groups are kept as they are set", async () => {
  const { elb, LoadBalancerArn } = await stack();
  const zones = (...subnets: string[]) =>
    subnets.map((SubnetId, i) => ({ SubnetId, LoadBalancerAddresses: i > 0 ? [] : [{ IpAddress: "127.0.0.1" }] }));
  assert.deepEqual(await elb("SetSubnets", { LoadBalancerArn, Subnets: ["subnet-2", "subnet-3"] }), {
    AvailabilityZones: zones("subnet-2", "subnet-3"),
    IpAddressType: "ipv4",
  });
  await elb("SetSecurityGroups", { LoadBalancerArn, SecurityGroups: ["sg-1"] });
  assert.deepEqual(await elb("SetIpAddressType", { LoadBalancerArn, IpAddressType: "ipv4" }), {
    IpAddressType: "ipv4",
  });
  const [lb] = (await elb("DescribeLoadBalancers", {})).LoadBalancers ?? [];
  assert.deepEqual([lb?.AvailabilityZones, lb?.SecurityGroups], [zones("subnet-2", "subnet-3"), ["sg-1"]]);
  await refused(() => elb("SetSubnets", { LoadBalancerArn }), "ValidationError", /subnet/);
  await refused(
    () => elb("SetSubnets", { LoadBalancerArn, SubnetMappings: [{ SubnetId: "s", AllocationId: "a" }] }),
    "ValidationError",
    /SubnetMappings\[\]\.AllocationId/,
  );
  await refused(
    () => elb("SetIpAddressType", { LoadBalancerArn, IpAddressType: "dualstack" }),
    "ValidationError",
    /Berth does not carry out IpAddressType other than ipv4/,
  );
});

for (const [what, known, expected] of [
  ["the server alone", { server: true }, ["127.0.0.1"]],
  ["the server first", { a: true, server: true, b: true }, ["127.0.0.1", "10.0.0.a", "10.0.0.b"]],
  ["those that are connected", { a: false, b: true, c: true }, ["10.0.0.b", "10.0.0.c"]],
  ["all that are known while none is connected", { a: false, b: false }, ["10.0.0.a", "10.0.0.b"]],
] as const)
  test(`a load balancer's addresses are those of its balancers: ${what}`, async () => {
    const { context, elb } = await stack();
    await arrange(context, (tx) => {
      for (const [name, connected] of Object.entries(known)) {
        const address = `10.0.0.${name}`;
        tx.balancers.put({ name, address, connected, registeredAt: 0, connectedChangedAt: 0 });
      }
    });
    const [lb] = (await elb("DescribeLoadBalancers", {})).LoadBalancers ?? [];
    assert.equal(lb?.DNSName, expected[0]);
    assert.deepEqual(
      lb?.AvailabilityZones?.flatMap((zone) => zone.LoadBalancerAddresses?.map((a) => a.IpAddress)),
      expected,
    );
  });

test("a listener forwards to target groups of its own protocol, and its port is its own", async () => {
  const { elb, LoadBalancerArn, ListenerArn, TargetGroupArn, forward } = await stack();
  const described = (await elb("DescribeListeners", { LoadBalancerArn })).Listeners;
  assert.deepEqual(described?.[0]?.DefaultActions?.[0]?.ForwardConfig?.TargetGroups, [{ TargetGroupArn, Weight: 1 }]);
  assert.deepEqual((await elb("DescribeTargetGroups", { LoadBalancerArn })).TargetGroups?.[0]?.LoadBalancerArns, [
    LoadBalancerArn,
  ]);
  const rules = (await elb("DescribeRules", { ListenerArn })).Rules;
  assert.deepEqual([rules?.length, rules?.[0]?.IsDefault, rules?.[0]?.Priority], [1, true, "default"]);
  const http = { LoadBalancerArn, Protocol: "HTTP" as const };
  await refused(
    () => elb("CreateListener", { ...http, Port: 8080, DefaultActions: forward }),
    "DuplicateListenerException",
  );
  await refused(() => elb("CreateListener", { ...http, Port: 0, DefaultActions: forward }), "ValidationError");
  await refused(() => elb("CreateListener", { ...http, Port: 81, DefaultActions: [] }), "ValidationError");
  const tcp =
    (await elb("CreateTargetGroup", { Name: "tcp", Protocol: "TCP", Port: 80 })).TargetGroups?.[0]?.TargetGroupArn ??
    "";
  await refused(
    () => elb("CreateListener", { ...http, Port: 81, DefaultActions: [{ Type: "forward", TargetGroupArn: tcp }] }),
    "IncompatibleProtocolsException",
  );
  const other = (await elb("CreateLoadBalancer", { Name: "other" })).LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  await refused(
    () => elb("CreateListener", { LoadBalancerArn: other, Protocol: "HTTP", Port: 82, DefaultActions: forward }),
    "TargetGroupAssociationLimitException",
  );
});

test("a port that something else holds is refused with the reason", async () => {
  const { context, LoadBalancerArn, forward } = await stack();
  const elb = caller({
    ...context,
    balancer: { ...context.balancer, checkBind: async () => "address already in use" },
  });
  await refused(
    () => elb("CreateListener", { LoadBalancerArn, Protocol: "HTTP", Port: 9090, DefaultActions: forward }),
    "ValidationError",
    /cannot bind 127\.0\.0\.1:9090: address already in use/,
  );
});

test("a target group in use cannot be deleted; a load balancer takes its listeners along", async () => {
  const { elb, LoadBalancerArn, TargetGroupArn, ListenerArn } = await stack();
  await refused(() => elb("DeleteTargetGroup", { TargetGroupArn }), "ResourceInUseException");
  await elb("ModifyLoadBalancerAttributes", {
    LoadBalancerArn,
    Attributes: [{ Key: "deletion_protection.enabled", Value: "true" }],
  });
  await refused(() => elb("DeleteLoadBalancer", { LoadBalancerArn }), "OperationNotPermittedException");
  await elb("ModifyLoadBalancerAttributes", {
    LoadBalancerArn,
    Attributes: [{ Key: "deletion_protection.enabled", Value: "false" }],
  });
  await elb("DeleteLoadBalancer", { LoadBalancerArn });
  await refused(() => elb("DescribeListeners", { ListenerArns: [ListenerArn] }), "ListenerNotFoundException");
  await elb("DeleteTargetGroup", { TargetGroupArn });
  await elb("DeleteTargetGroup", { TargetGroupArn });
  await refused(
    () => elb("DescribeTargetGroups", { TargetGroupArns: [TargetGroupArn] }),
    "TargetGroupNotFoundException",
  );
});

test("targets are registered as initial, told apart by port, and drain when they are deregistered", async () => {
  const { context, elb, TargetGroupArn } = await stack();
  await arrange(
    context,
    (tx) => void tx.containerInstances.put(testInstance({ ec2InstanceId: "i-1", address: "10.0.0.1" })),
  );
  await elb("RegisterTargets", {
    TargetGroupArn,
    Targets: [
      { Id: "i-1", Port: 8001 },
      { Id: "i-1", Port: 8002 },
    ],
  });
  const states = async () =>
    (await elb("DescribeTargetHealth", { TargetGroupArn })).TargetHealthDescriptions?.map((t) => [
      t.Target?.Port,
      t.TargetHealth?.State,
      t.TargetHealth?.Reason,
    ]);
  assert.deepEqual(await states(), [
    [8001, "initial", "Elb.RegistrationInProgress"],
    [8002, "initial", "Elb.RegistrationInProgress"],
  ]);
  await elb("DeregisterTargets", { TargetGroupArn, Targets: [{ Id: "i-1", Port: 8002 }] });
  assert.deepEqual((await states())?.[1], [8002, "draining", "Target.DeregistrationInProgress"]);
  const asked = await elb("DescribeTargetHealth", { TargetGroupArn, Targets: [{ Id: "i-9", Port: 1 }] });
  assert.deepEqual(asked.TargetHealthDescriptions?.[0]?.TargetHealth?.Reason, "Target.NotRegistered");
  await refused(() => elb("RegisterTargets", { TargetGroupArn, Targets: [{ Id: "i-2" }] }), "InvalidTargetException");
});

test("targets of a group that no listener uses are unused", async () => {
  const context = await testContext();
  const elb = caller(context);
  const group = (await elb("CreateTargetGroup", { Name: "idle", Protocol: "HTTP", Port: 80, TargetType: "ip" }))
    .TargetGroups?.[0];
  const TargetGroupArn = group?.TargetGroupArn ?? "";
  await elb("RegisterTargets", { TargetGroupArn, Targets: [{ Id: "10.1.2.3" }] });
  const health = await elb("DescribeTargetHealth", { TargetGroupArn });
  assert.deepEqual(
    [
      health.TargetHealthDescriptions?.[0]?.TargetHealth?.State,
      health.TargetHealthDescriptions?.[0]?.TargetHealth?.Reason,
    ],
    ["unused", "Target.NotInUse"],
  );
  await refused(
    () => elb("RegisterTargets", { TargetGroupArn, Targets: [{ Id: "not-an-address" }] }),
    "ValidationError",
  );
  const key = targetKey({ targetGroupArn: TargetGroupArn as TargetGroupArn, id: "10.1.2.3", port: 80 });
  assert.ok(context.store.view.targets.get(key) !== undefined);
});

test("attributes have their defaults, and take only what is carried out", async () => {
  const { elb, TargetGroupArn, LoadBalancerArn, ListenerArn } = await stack();
  const value = async (key: string) =>
    (await elb("DescribeTargetGroupAttributes", { TargetGroupArn })).Attributes?.find((a) => a.Key === key)?.Value;
  assert.equal(await value("deregistration_delay.timeout_seconds"), "300");
  await elb("ModifyTargetGroupAttributes", {
    TargetGroupArn,
    Attributes: [{ Key: "deregistration_delay.timeout_seconds", Value: "5" }],
  });
  assert.equal(await value("deregistration_delay.timeout_seconds"), "5");
  for (const [Key, Value] of [
    ["deregistration_delay.timeout_seconds", "3601"],
    ["deregistration_delay.timeout_seconds", "soon"],
    ["nonsense", "1"],
  ] as const) {
    await refused(
      () => elb("ModifyTargetGroupAttributes", { TargetGroupArn, Attributes: [{ Key, Value }] }),
      "ValidationError",
    );
  }
  await elb("ModifyTargetGroupAttributes", {
    TargetGroupArn,
    Attributes: [{ Key: "stickiness.enabled", Value: "false" }],
  });
  await elb("ModifyLoadBalancerAttributes", {
    LoadBalancerArn,
    Attributes: [{ Key: "idle_timeout.timeout_seconds", Value: "90" }],
  });
  await refused(
    () =>
      elb("ModifyTargetGroupAttributes", {
        TargetGroupArn,
        Attributes: [{ Key: "load_balancing.cross_zone.enabled", Value: "true" }],
      }),
    "ValidationError",
    "Berth does not carry out Attributes[].Value other than 'use_load_balancer_configuration' for load_balancing.cross_zone.enabled of HTTP target groups.",
  );
  const server = { Key: "routing.http.response.server.enabled", Value: "true" };
  const listener = (await elb("ModifyListenerAttributes", { ListenerArn, Attributes: [server] })).Attributes;
  assert.deepEqual(listener?.[0], server);
  await refused(
    () => elb("ModifyListenerAttributes", { ListenerArn, Attributes: [{ ...server, Value: "no" }] }),
    "ValidationError",
    /'no' is not valid/,
  );
  const attributes = (await elb("DescribeLoadBalancerAttributes", { LoadBalancerArn })).Attributes;
  assert.equal(attributes?.find((a) => a.Key === "idle_timeout.timeout_seconds")?.Value, "90");
});

test("tags are kept per resource, and limits are enforced", async () => {
  const { elb, TargetGroupArn, ListenerArn } = await stack();
  await elb("AddTags", {
    ResourceArns: [TargetGroupArn, ListenerArn],
    Tags: [
      { Key: "a", Value: "1" },
      { Key: "b", Value: "2" },
    ],
  });
  await elb("RemoveTags", { ResourceArns: [ListenerArn], TagKeys: ["a"] });
  const { TagDescriptions } = await elb("DescribeTags", { ResourceArns: [TargetGroupArn, ListenerArn] });
  assert.deepEqual(
    TagDescriptions?.map((d) => d.Tags?.length),
    [2, 1],
  );
  await refused(
    () => elb("AddTags", { ResourceArns: [TargetGroupArn], Tags: [{ Key: "c" }, { Key: "c" }] }),
    "DuplicateTagKeysException",
  );
  await refused(() => elb("AddTags", { ResourceArns: [TargetGroupArn], Tags: [{ Key: "aws:x" }] }), "ValidationError");
  const many = Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}` }));
  await refused(() => elb("AddTags", { ResourceArns: [TargetGroupArn], Tags: many }), "TooManyTagsException");
});

test("listings go by pages", async () => {
  const elb = caller(await testContext());
  for (const Name of ["a", "b", "c"]) await elb("CreateTargetGroup", { Name, Protocol: "HTTP", Port: 80 });
  const first = await elb("DescribeTargetGroups", { PageSize: 2 });
  const second = await elb("DescribeTargetGroups", { PageSize: 2, Marker: first.NextMarker });
  const names = [first, second].flatMap((p) => (p.TargetGroups ?? []).map((g) => g.TargetGroupName));
  assert.deepEqual([names.toSorted(), second.NextMarker], [["a", "b", "c"], undefined]);
  await refused(() => elb("DescribeTargetGroups", { Marker: "forged" }), "ValidationError");
  await refused(() => elb("DescribeTargetGroups", { PageSize: 401 }), "ValidationError");
});
