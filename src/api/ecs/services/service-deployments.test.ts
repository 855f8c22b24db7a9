import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceDeploymentStatus } from "@aws-sdk/client-ecs";
import { SERVICE_DEPLOYMENT_MOVES } from "../../../model/service-deployment.ts";
import { serviceDeploymentArn, serviceRevisionArn, taskDefinitionArn } from "../../../wire/arn.ts";
import { createCluster } from "../clusters/clusters.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, testContext } from "../testing.ts";
import { describeServices } from "./queries.ts";
import {
  describeServiceDeployments,
  describeServiceRevisions,
  listServiceDeployments,
  stopServiceDeployment,
} from "./service-deployments.ts";
import { createService, deleteService, updateService } from "./services.ts";

type Context = Awaited<ReturnType<typeof testContext>>;

/** A cluster, the definitions web:1 to web:3, and a service of two tasks of web:1. */
async function world(): Promise<Context> {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  await arrange(context, (tx) => {
    for (const revision of [1, 2, 3])
      tx.taskDefinitions.put({
        arn: taskDefinitionArn(TEST_SCOPE, { family: "web", revision }),
        family: "web",
        revision,
        status: "ACTIVE",
        definition: {
          family: "web",
          containerDefinitions: [{ name: "web", image: `web:${revision}`, memory: 128, essential: true }],
        },
        registeredAt: 0,
        registeredBy: TEST_CALL.principal.arn,
        tags: {},
      });
  });
  await createService(
    context,
    {
      serviceName: "web",
      taskDefinition: "web:1",
      desiredCount: 2,
      deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
    },
    TEST_CALL,
  );
  return context;
}

const update = (context: Context, over: object) => updateService(context, { service: "web", ...over }, TEST_CALL);
const list = async (context: Context, over: object = {}) =>
  listServiceDeployments(context, { service: "web", ...over }, TEST_CALL);
const service = async (context: Context) =>
  (await describeServices(context, { services: ["web"] }, TEST_CALL)).services?.[0];
/** As the services controller does. */
const put = (context: Context, arn: string, status: ServiceDeploymentStatus) =>
  arrange(context, (tx) => void tx.serviceDeployments.put({ ...tx.serviceDeployments.get(arn)!, status }));

test("[DP35] a new service has a service deployment and a revision with the digits of its deployment", async () => {
  const context = await world();
  const shown = await service(context);
  const id = shown?.deployments?.[0]?.id ?? "";
  const { serviceDeployments: [brief] = [] } = await list(context);
  assert.match(brief?.serviceDeploymentArn ?? "", /:service-deployment\/default\/web\/[A-Za-z0-9_-]{21}$/);
  assert.equal(brief?.targetServiceRevisionArn?.split("/").at(-1), id.slice("ecs-svc/".length));
  assert.deepEqual(
    [brief?.status, brief?.serviceArn, shown?.currentServiceDeployment],
    ["PENDING", shown?.serviceArn, brief?.serviceDeploymentArn],
  );
  assert.deepEqual(shown?.currentServiceRevisions, [
    { arn: brief?.targetServiceRevisionArn, requestedTaskCount: 2, runningTaskCount: 0, pendingTaskCount: 0 },
  ]);
  const { serviceRevisions: [revision] = [] } = await describeServiceRevisions(
    context,
    { serviceRevisionArns: [brief?.targetServiceRevisionArn ?? ""] },
    TEST_CALL,
  );
  assert.equal(revision?.taskDefinition, taskDefinitionArn(TEST_SCOPE, { family: "web", revision: 1 }));
  const unknown = { containerName: "web", image: "web:1", imageDigest: undefined };
  assert.deepEqual(revision?.containerImages, [unknown]);
});

test("DescribeServiceDeployments tells of source and target, settings and breaker, and of what is MISSING", async () => {
  const context = await world();
  const first = (await service(context))?.currentServiceRevisions?.[0]?.arn;
  await update(context, { taskDefinition: "web:2" });
  const arn = (await service(context))?.currentServiceDeployment ?? "";
  const missing = serviceDeploymentArn(TEST_SCOPE, {
    clusterName: "default",
    serviceName: "web",
    serviceDeploymentId: "x".repeat(21),
  });
  const answer = await describeServiceDeployments(context, { serviceDeploymentArns: [arn, missing, arn] }, TEST_CALL);
  assert.deepEqual(answer.failures, [{ arn: missing, reason: "MISSING" }]);
  const [found, ...others] = answer.serviceDeployments ?? [];
  assert.deepEqual(others, []);
  assert.deepEqual(
    found?.sourceServiceRevisions?.map((s) => [s.arn, s.requestedTaskCount]),
    [[first, 2]],
  );
  assert.equal(found?.targetServiceRevision?.requestedTaskCount, 2);
  assert.deepEqual(found?.deploymentCircuitBreaker, { status: "MONITORING", failureCount: 0, threshold: 3 });
  assert.deepEqual(found?.deploymentConfiguration?.deploymentCircuitBreaker?.rollback, true);
  const revision = serviceRevisionArn(TEST_SCOPE, {
    clusterName: "default",
    serviceName: "web",
    serviceRevisionId: "7",
  });
  const revisions = await describeServiceRevisions(context, { serviceRevisionArns: [revision] }, TEST_CALL);
  assert.deepEqual(revisions, { serviceRevisions: [], failures: [{ arn: revision, reason: "MISSING" }] });
});

test("only a new deployment makes a service deployment, and the one before it is to stop", async () => {
  const context = await world();
  await update(context, { desiredCount: 5 });
  await update(context, { deploymentConfiguration: { maximumPercent: 150 } });
  assert.equal((await list(context)).serviceDeployments?.length, 1);
  const first = (await service(context))?.currentServiceDeployment ?? "";
  context.clock.advance(1000);
  await update(context, { forceNewDeployment: true });
  const { serviceDeployments = [] } = await list(context);
  assert.deepEqual(
    serviceDeployments.map((d) => d.status),
    ["PENDING", "STOP_REQUESTED"],
  );
  assert.equal(serviceDeployments[1]?.serviceDeploymentArn, first);
  assert.equal((await service(context))?.currentServiceDeployment, serviceDeployments[0]?.serviceDeploymentArn);
});

test("a service deployment that rolls back when the service is updated has failed; one that is over stays as it is", async () => {
  const context = await world();
  const rows = [
    ["ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"],
    ["ROLLBACK_REQUESTED", "STOPPED"],
    ["SUCCESSFUL", "SUCCESSFUL"],
  ] as const;
  for (const [before, after] of rows) {
    const arn = (await service(context))?.currentServiceDeployment ?? "";
    await put(context, arn, before);
    await update(context, { forceNewDeployment: true });
    assert.equal(context.store.view.serviceDeployments.get(arn)?.status, after);
  }
});

test("ListServiceDeployments answers newest first, in pages, and by status and time", async () => {
  const context = await world();
  for (let i = 0; i < 4; i++) {
    context.clock.advance(1000);
    await update(context, { forceNewDeployment: true });
  }
  const all = (await list(context)).serviceDeployments ?? [];
  const times = all.map((d) => d.createdAt?.getTime() ?? 0);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => b - a),
  );
  const seen: string[] = [];
  let nextToken: string | undefined;
  for (let i = 0; i < 5; i++) {
    const page = await list(context, { maxResults: 2, nextToken });
    seen.push(...(page.serviceDeployments ?? []).map((d) => d.serviceDeploymentArn ?? ""));
    nextToken = page.nextToken;
    if (nextToken === undefined) break;
  }
  assert.deepEqual(
    seen,
    all.map((d) => d.serviceDeploymentArn),
  );
  assert.equal((await list(context, { status: ["PENDING"] })).serviceDeployments?.length, 1);
  const second = all.at(-2)?.createdAt;
  assert.equal((await list(context, { createdAt: { after: second } })).serviceDeployments?.length, 4);
  assert.equal((await list(context, { createdAt: { before: second } })).serviceDeployments?.length, 2);
  await refused(() => list(context, { service: "other" }), "ServiceNotFoundException");
});

test("[DP36] StopServiceDeployment asks for a rollback, lets what stops already go on, and refuses what is over", async () => {
  const context = await world();
  const arn = (await service(context))?.currentServiceDeployment ?? "";
  const stop = (over: object = {}) => stopServiceDeployment(context, { serviceDeploymentArn: arn, ...over }, TEST_CALL);
  const status = () => context.store.view.serviceDeployments.get(arn)?.status;
  await refused(() => stop({ stopType: "ABORT" }), "InvalidParameterException", /stopType ABORT/);
  assert.equal(status(), "PENDING");
  for (const from of Object.keys(SERVICE_DEPLOYMENT_MOVES) as ServiceDeploymentStatus[]) {
    await put(context, arn, from);
    if (Object.keys(SERVICE_DEPLOYMENT_MOVES[from]).length === 0) {
      await refused(() => stop({ stopType: "ROLLBACK" }), "ConflictException", new RegExp(from));
      assert.equal(status(), from);
      continue;
    }
    assert.deepEqual(await stop(), { serviceDeploymentArn: arn });
    assert.equal(status(), from === "PENDING" || from === "IN_PROGRESS" ? "ROLLBACK_REQUESTED" : from);
  }
  await refused(() => stop({ serviceDeploymentArn: "x" }), "InvalidParameterException");
  await refused(() => stop({ serviceDeploymentArn: `${arn}x` }), "ServiceDeploymentNotFoundException");
});

test("a deleted service's deployment is to stop, and a new service of the name begins a history of its own", async () => {
  const context = await world();
  await deleteService(context, { service: "web", force: true }, TEST_CALL);
  const [record] = context.store.view.serviceDeployments.all();
  assert.equal(record?.status, "STOP_REQUESTED");
  await arrange(context, (tx) => {
    const [deleted] = tx.services.all();
    tx.services.put({ ...deleted!, status: "INACTIVE", deployments: [] });
  });
  context.clock.advance(1000);
  await createService(context, { serviceName: "web", taskDefinition: "web:1", desiredCount: 0 }, TEST_CALL);
  assert.equal((await list(context)).serviceDeployments?.length, 1);
});

test("at most 20 ARNs are described at a time", async () => {
  const context = await world();
  const arns = Array.from({ length: 21 }, (_, i) => `arn:${i}`);
  for (const some of [[], arns, ["x"]]) {
    await refused(
      async () => describeServiceDeployments(context, { serviceDeploymentArns: some }, TEST_CALL),
      "InvalidParameterException",
    );
    await refused(
      async () => describeServiceRevisions(context, { serviceRevisionArns: some }, TEST_CALL),
      "InvalidParameterException",
    );
  }
});
