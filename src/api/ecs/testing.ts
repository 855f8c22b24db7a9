import assert from "node:assert/strict";
import { DEFAULT_DEPLOYMENT_SETTINGS } from "../../deployment/index.ts";
import type { ContainerInstanceRecord } from "../../model/container-instance.ts";
import { NO_RESOURCES } from "../../model/resources.ts";
import { type Clock, type Instant, systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { seededRandom } from "../../runtime/random.ts";
import { createSealer } from "../../runtime/sealer.ts";
import { type BerthTransaction, MemoryDisk, MemoryJournal, openStore, SCHEMA } from "../../store/index.ts";
import { createTelemetry } from "../../telemetry/index.ts";
import { clusterArn, containerInstanceArn } from "../../wire/arn.ts";
import { AwsError } from "../../wire/errors.ts";
import type { AccountScope, ApiContext, Call } from "../context.ts";

export const TEST_SCOPE: AccountScope = { partition: "aws", region: "us-east-1", accountId: "000000000000" };
/** Where a test's clock stands at first. */
export const TEST_START: Instant = Date.UTC(2026, 0, 1);

/** A call by the account's root. */
export const TEST_CALL: Call = {
  principal: { accessKeyId: "AKIATEST", arn: "arn:aws:iam::000000000000:root" },
  requestId: "00000000-0000-4000-8000-000000000000",
  sourceIp: "127.0.0.1",
  host: "127.0.0.1:7070",
  userAgent: "test",
  secure: false,
};

/** A clock that stands still until it is moved; its timers are the machine's. */
export interface TestClock extends Clock {
  /** Milliseconds. */
  advance(ms: number): void;
}

function testClock(): TestClock {
  let now = TEST_START;
  return {
    ...systemClock(),
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

/** All that an operation needs, over an empty store in memory. */
export async function testContext(): Promise<ApiContext & { readonly clock: TestClock }> {
  const clock = testClock();
  const log = silentLog();
  const journal = new MemoryJournal({ disk: new MemoryDisk(), clock });
  const store = await openStore({ schema: SCHEMA, journal, log });
  return {
    store,
    clock,
    random: seededRandom(1),
    log,
    scope: TEST_SCOPE,
    pageSecret: "test",
    sealer: createSealer("0".repeat(64), seededRandom(2)),
    balancer: {
      address: "127.0.0.1",
      checkBind: async () => undefined,
      status: () => undefined,
      reports: () => [],
      drop: () => {},
    },
    telemetry: createTelemetry(store, clock),
    certificates: { hasAcmeServer: true, hasDnsHook: true },
    taskLogs: { read: async () => ({ kind: "disconnected" }) },
    services: { settings: DEFAULT_DEPLOYMENT_SETTINGS, heldHosts: () => new Set() },
  };
}

/** Changes records directly, past all operations. */
export async function arrange(context: ApiContext, change: (tx: BerthTransaction) => void): Promise<void> {
  await context.store.transact("arrange", (tx) => {
    change(tx);
    return undefined;
  });
}

/** Asserts that a call is refused with this exception and, if given, exactly this message or one that matches. */
export async function refused(call: () => unknown, code: string, message?: string | RegExp): Promise<AwsError> {
  let thrown: unknown;
  try {
    await call();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof AwsError, `expected ${code}, but got ${thrown === undefined ? "an answer" : thrown}`);
  assert.equal(thrown.code, code, thrown.message);
  if (typeof message === "string") assert.equal(thrown.message, message);
  else if (message !== undefined) assert.match(thrown.message, message);
  return thrown;
}

/** An ACTIVE, connected container instance with 2048 CPU units and 4096 MiB, but for what is given. */
export function testInstance(
  given: Partial<ContainerInstanceRecord> & { readonly id?: string; readonly clusterName?: string } = {},
): ContainerInstanceRecord {
  const { id = "1".repeat(32), clusterName = "default", ...rest } = given;
  return {
    arn: containerInstanceArn(TEST_SCOPE, { clusterName, containerInstanceId: id }),
    clusterArn: clusterArn(TEST_SCOPE, { clusterName }),
    status: "ACTIVE",
    agentConnected: true,
    connectivityChangedAt: TEST_START,
    registered: { ...NO_RESOURCES, cpu: 2048, memoryMiB: 4096 },
    attributes: [],
    registeredAt: TEST_START,
    version: 1,
    sequence: 0,
    tags: {},
    ...rest,
  };
}
