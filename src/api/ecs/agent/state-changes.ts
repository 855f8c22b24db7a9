import type { NetworkBinding } from "@aws-sdk/client-ecs";
import type { TaskRecord } from "../../../model/task.ts";
import { applyReport, type ContainerReport, type TaskReport } from "../../../state/index.ts";
import type { BerthTransaction } from "../../../store/index.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { ApiContext } from "../../context.ts";
import { invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { resolveCluster } from "../resolve.ts";
import { resolveTask } from "../tasks/resolve.ts";
import { hostModeBindings } from "./host-mode-bindings.ts";

/** Longer texts are cut, never refused: an agent would repeat them for ever. Source: ECS API reference. */
const MAX_REASON = 1024;
const MAX_ID = 255;
const MAX_BINDINGS = 100;

const ACKNOWLEDGED = { acknowledgment: "ACK" } as const;

/**
 * Takes in what an agent says of a task. A repeated report is acknowledged and changes nothing. For a task that is not
 * known it throws InvalidParameterException, after which an agent does not try again.
 */
export const submitTaskStateChange: Operation<"SubmitTaskStateChange"> = async (context, input) => {
  refuseAttachments(input.attachments);
  const report: TaskReport = {
    status: statusOf(input.status),
    reason: cut(input.reason, MAX_REASON),
    containers: (input.containers ?? []).map((c) =>
      containerReport({ ...c, name: c.containerName, lastStatus: c.status }),
    ),
    pullStartedAt: input.pullStartedAt?.getTime(),
    pullStoppedAt: input.pullStoppedAt?.getTime(),
    executionStoppedAt: input.executionStoppedAt?.getTime(),
  };
  return submit(context, "SubmitTaskStateChange", input, () => report);
};

/** Takes in what an agent says of one container; the task's own status stays. */
export const submitContainerStateChange: Operation<"SubmitContainerStateChange"> = async (context, input) => {
  const container = containerReport({ ...input, name: input.containerName, lastStatus: input.status });
  return submit(context, "SubmitContainerStateChange", input, (task) => {
    if (!task.containers.some((c) => c.name === container.name)) {
      throw invalidParameter("The referenced container was not found.");
    }
    return { status: "PENDING", containers: [container] };
  });
};

/** Network interfaces and volumes are never attached, so there is none to report of. Always throws. */
export const submitAttachmentStateChanges: Operation<"SubmitAttachmentStateChanges"> = ({ store, scope }, input) => {
  resolveCluster(store.view, scope, input.cluster);
  if (input.attachments.length === 0) throw invalidParameter("Attachments cannot be empty.");
  refuseAttachments(input.attachments);
  return ACKNOWLEDGED;
};

async function submit(
  { store, clock, scope }: ApiContext,
  operation: string,
  { cluster: name, task: idOrArn }: { readonly cluster?: string; readonly task?: string },
  reportOf: (task: TaskRecord) => TaskReport,
) {
  if (idOrArn === undefined || idOrArn === "") throw invalidParameter("Task can not be blank.");
  const now = clock.now();
  await store.transact(operation, (tx) => {
    const task = resolveTask(tx, scope, resolveCluster(tx, scope, name), idOrArn);
    applyReport(tx, task, withHostBindings(tx, task, reportOf(task)), now);
  });
  return ACKNOWLEDGED;
}

/** Docker publishes no ports in host mode, so agents report none: they are what the task definition says. */
function withHostBindings(tx: BerthTransaction, task: TaskRecord, report: TaskReport): TaskReport {
  const definition = tx.taskDefinitions.get(task.taskDefinitionArn)?.definition;
  if (definition?.networkMode !== "host") return report;
  return {
    ...report,
    containers: report.containers.map((c) =>
      c.lastStatus === "RUNNING" ? { ...c, networkBindings: hostModeBindings(definition, c.name) } : c,
    ),
  };
}

function refuseAttachments(attachments: EcsOperations["SubmitTaskStateChange"]["input"]["attachments"]): void {
  if (attachments !== undefined && attachments.length > 0) {
    throw invalidParameter("The referenced attachment was not found.");
  }
}

/** What an agent calls the steps before RUNNING is all PENDING to ECS. */
const STATUSES: Readonly<Record<string, TaskReport["status"]>> = {
  PENDING: "PENDING",
  MANIFEST_PULLED: "PENDING",
  PULLED: "PENDING",
  CREATED: "PENDING",
  RUNNING: "RUNNING",
  STOPPED: "STOPPED",
};

function statusOf(status: string | undefined): TaskReport["status"] {
  const known = status !== undefined && Object.hasOwn(STATUSES, status) ? STATUSES[status] : undefined;
  if (known === undefined) throw invalidParameter("status should be one of [PENDING, RUNNING, STOPPED]");
  return known;
}

function containerReport(said: {
  readonly name?: string;
  readonly lastStatus?: string;
  readonly runtimeId?: string;
  readonly imageDigest?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly networkBindings?: readonly NetworkBinding[];
}): ContainerReport {
  if (said.name === undefined || said.name === "") throw invalidParameter("Container name can not be blank.");
  return {
    name: said.name,
    lastStatus: said.lastStatus === undefined ? undefined : statusOf(said.lastStatus),
    runtimeId: cut(said.runtimeId, MAX_ID),
    imageDigest: cut(said.imageDigest, MAX_ID),
    exitCode: said.exitCode,
    reason: cut(said.reason, MAX_REASON) || undefined,
    networkBindings: said.networkBindings?.slice(0, MAX_BINDINGS),
  };
}

function cut(text: string | undefined, length: number): string | undefined {
  return text?.slice(0, length);
}
