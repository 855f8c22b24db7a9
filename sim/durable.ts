import type { MemoryDisk } from "../src/store/index.ts";

interface Answer {
  readonly tasks?: readonly { readonly taskArn: string }[];
  readonly task?: { readonly taskArn: string };
  readonly taskSet?: { readonly taskSetArn: string; readonly serviceArn: string };
  readonly service?: { readonly serviceArn: string };
  readonly taskDefinition?: { readonly taskDefinitionArn: string };
  readonly containerInstance?: { readonly containerInstanceArn: string };
}

/**
 * Whether what an operation has just answered is on disk. It is called in the moment of the answer, when nothing later can have
 * been written. Answers what is missing, in words, or undefined.
 */
export function isDurable(disk: MemoryDisk, operation: string, input: object, output: unknown): string | undefined {
  const answer = output as Answer;
  const given = input as Record<string, unknown>;
  const find = (table: string, key: string) => {
    const text = disk.records.get(table)?.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
  };
  const wrong = (what: string, record: Record<string, unknown> | undefined, members: Record<string, unknown>) => {
    if (record === undefined) return `${what} is not on disk`;
    const other = Object.entries(members).find(([name, value]) => value !== undefined && record[name] !== value);
    return other === undefined ? undefined : `${what} has ${other[0]} ${String(record[other[0]])} on disk`;
  };
  switch (operation) {
    case "RunTask":
    case "StartTask":
      return (answer.tasks ?? [])
        .map((t) => wrong(t.taskArn, find("tasks", t.taskArn), {}))
        .find((w) => w !== undefined);
    case "StopTask": {
      const arn = answer.task?.taskArn ?? "";
      return wrong(arn, find("tasks", arn), { desiredStatus: "STOPPED" });
    }
    case "CreateService":
    case "UpdateService": {
      const arn = answer.service?.serviceArn ?? "";
      return wrong(arn, find("services", arn), { desiredCount: given.desiredCount });
    }
    case "CreateTaskSet":
    case "UpdateTaskSet":
    case "UpdateServicePrimaryTaskSet": {
      const { taskSetArn = "", serviceArn = "" } = answer.taskSet ?? {};
      const sets = (find("services", serviceArn)?.taskSets ?? []) as Record<string, unknown>[];
      const scalePercent = (given.scale as { value?: number } | undefined)?.value;
      const status = operation === "UpdateServicePrimaryTaskSet" ? "PRIMARY" : undefined;
      // What was asked for with the same token before may have been changed since.
      const members = operation === "CreateTaskSet" ? {} : { scalePercent, status };
      return wrong(
        taskSetArn,
        sets.find((set) => set.arn === taskSetArn),
        members,
      );
    }
    case "DeleteService": {
      const arn = answer.service?.serviceArn ?? "";
      return find("services", arn)?.status === "ACTIVE" ? `${arn} is ACTIVE on disk` : undefined;
    }
    case "RegisterTaskDefinition": {
      const arn = answer.taskDefinition?.taskDefinitionArn ?? "";
      return wrong(arn, find("taskDefinitions", arn), {});
    }
    case "RegisterContainerInstance": {
      const arn = answer.containerInstance?.containerInstanceArn ?? "";
      return wrong(arn, find("containerInstances", arn), {});
    }
    case "DeregisterContainerInstance": {
      const arn = answer.containerInstance?.containerInstanceArn ?? "";
      return wrong(arn, find("containerInstances", arn), { status: "INACTIVE" });
    }
    case "SubmitTaskStateChange": {
      const task = find("tasks", String(given.task));
      return given.status === "STOPPED" && task?.lastStatus !== "STOPPED"
        ? `${given.task} is ${task?.lastStatus} on disk`
        : undefined;
    }
    default:
      return undefined;
  }
}
