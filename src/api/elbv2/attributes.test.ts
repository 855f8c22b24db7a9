import assert from "node:assert/strict";
import { test } from "node:test";
import { refused } from "../ecs/testing.ts";
import { stack } from "./testing.ts";

const pairs = (values: Record<string, string>) => Object.entries(values).map(([Key, Value]) => ({ Key, Value }));

test("stickiness, slow start and algorithms are taken, within their ranges and where they go together", async () => {
  const { elb, TargetGroupArn } = await stack();
  const set = (values: Record<string, string>) =>
    elb("ModifyTargetGroupAttributes", { TargetGroupArn, Attributes: pairs(values) });
  const wrong: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ "slow_start.duration_seconds": "29" }, /'29' is not valid/],
    [{ "slow_start.duration_seconds": "901" }, /'901' is not valid/],
    [{ "stickiness.lb_cookie.duration_seconds": "0" }, /'0' is not valid/],
    [{ "stickiness.lb_cookie.duration_seconds": "604801" }, /'604801' is not valid/],
    [{ "stickiness.type": "source_ip" }, /'source_ip' is not valid/],
    [{ "stickiness.app_cookie.cookie_name": "AWSALBTG" }, /'AWSALBTG' is not valid/],
    [{ "stickiness.app_cookie.cookie_name": "a b" }, /'a b' is not valid/],
    [{ "stickiness.enabled": "true", "stickiness.type": "app_cookie" }, /cookie name must be specified/],
    [
      { "slow_start.duration_seconds": "30", "load_balancing.algorithm.type": "least_outstanding_requests" },
      /Slow start cannot be enabled/,
    ],
    [{ "load_balancing.algorithm.type": "fastest" }, /'fastest' is not valid/],
    [
      { "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "2" },
      /Berth does not carry out .* other than '1' for target_group_health\.unhealthy_state_routing/,
    ],
  ];
  for (const [values, message] of wrong) await refused(() => set(values), "ValidationError", message);
  await set({ "slow_start.duration_seconds": "60" });
  await refused(() => set({ "load_balancing.algorithm.type": "weighted_random" }), "ValidationError", /Slow start/);
  await set({ "slow_start.duration_seconds": "0", "load_balancing.algorithm.type": "weighted_random" });
  await set({
    "stickiness.enabled": "true",
    "stickiness.type": "app_cookie",
    "stickiness.app_cookie.cookie_name": "session",
  });
  const { Attributes } = await elb("DescribeTargetGroupAttributes", { TargetGroupArn });
  const value = (key: string) => Attributes?.find((one) => one.Key === key)?.Value;
  assert.deepEqual(
    [value("stickiness.type"), value("stickiness.app_cookie.cookie_name"), value("slow_start.duration_seconds")],
    ["app_cookie", "session", "0"],
  );
});

test("attributes of headers are taken by load balancers and listeners, and nothing that would be more than a header", async () => {
  const { elb, LoadBalancerArn, ListenerArn } = await stack();
  const name = "routing.http.xff_header_processing.mode";
  const attributes = pairs({ [name]: "remove", "routing.http2.enabled": "false" });
  const { Attributes } = await elb("ModifyLoadBalancerAttributes", { LoadBalancerArn, Attributes: attributes });
  assert.equal(Attributes?.find((one) => one.Key === name)?.Value, "remove");
  await refused(
    () => elb("ModifyLoadBalancerAttributes", { LoadBalancerArn, Attributes: pairs({ [name]: "drop" }) }),
    "ValidationError",
    /'drop' is not valid/,
  );
  const header = "routing.http.response.x_frame_options.header_value";
  await elb("ModifyListenerAttributes", { ListenerArn, Attributes: pairs({ [header]: "DENY" }) });
  await refused(
    () => elb("ModifyListenerAttributes", { ListenerArn, Attributes: pairs({ [header]: "a\nb" }) }),
    "ValidationError",
  );
});

test("a group of HTTP/2 or gRPC is checked in its own way", async () => {
  const { elb } = await stack();
  const create = (Name: string, more: object) =>
    elb("CreateTargetGroup", { Name, Protocol: "HTTP", Port: 80, ...more }).then((made) => made.TargetGroups?.[0]);
  const http2 = await create("h2", { ProtocolVersion: "HTTP2" });
  assert.deepEqual(
    [http2?.ProtocolVersion, http2?.HealthCheckPath, http2?.Matcher],
    ["HTTP2", "/", { HttpCode: "200" }],
  );
  const grpc = await create("grpc", { ProtocolVersion: "GRPC" });
  assert.deepEqual([grpc?.HealthCheckPath, grpc?.Matcher], ["/AWS.ALB/healthcheck", { GrpcCode: "12" }]);
  const refuse = (more: object, message: RegExp) => refused(() => create("no", more), "ValidationError", message);
  await refuse(
    { ProtocolVersion: "GRPC", Matcher: { GrpcCode: "0-99" } },
    /does not carry out Matcher\.GrpcCode with 0/,
  );
  await refuse({ ProtocolVersion: "GRPC", Matcher: { GrpcCode: "100" } }, /within '0-99'/);
  await refuse({ ProtocolVersion: "GRPC", Matcher: { HttpCode: "200" } }, /cannot be specified/);
  await refuse({ Matcher: { GrpcCode: "12" } }, /'GRPC' only/);
  await refuse({ Protocol: "TCP", ProtocolVersion: "HTTP2" }, /cannot be specified/);
});

test("access logs go where no path leads out of their directory, and need a bucket", async () => {
  const { elb, LoadBalancerArn } = await stack();
  const set = (values: Record<string, string>) =>
    elb("ModifyLoadBalancerAttributes", { LoadBalancerArn, Attributes: pairs(values) });
  for (const bucket of ["..", "a/b", "a..b", "UPPER", "ab", "-ab"])
    await refused(() => set({ "access_logs.s3.bucket": bucket }), "ValidationError", /is not valid/);
  for (const prefix of ["..", "a/../b", "/a", "a/", "a//b", "./a", "AWSLogs", "a b", "a\u0000", "x".repeat(513)])
    await refused(() => set({ "access_logs.s3.prefix": prefix }), "ValidationError", /is not valid/);
  await refused(() => set({ "access_logs.s3.enabled": "true" }), "ValidationError", /bucket must be specified/);
  await set({
    "access_logs.s3.enabled": "true",
    "access_logs.s3.bucket": "my-logs.example",
    "access_logs.s3.prefix": "team/web.1",
  });
  await refused(() => set({ "access_logs.s3.bucket": "" }), "ValidationError", /bucket must be specified/);
});
