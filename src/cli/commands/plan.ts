import { type Command, InvalidArgumentError } from "commander";
import type { BerthOperations, BerthShape } from "../../wire/models/berth.ts";
import { type ApiOptions, clientFor, wholeNumber, withApiOptions } from "../api-command.ts";
import type { SetExitCode } from "../exit-code.ts";
import { explanationLines, fitTable } from "../explanation.ts";
import { endWhenNobodyReads, printJson, renderTable } from "../output.ts";

type Plan = BerthShape<"Plan">;
type UpdateInput = BerthOperations["PlanServiceUpdate"]["input"];
type RemovalManner = BerthShape<"RemovalManner">;

const HELP = `
Nothing is changed. Tasks that would start are taken to become healthy, and the exit code is 1 if the plan does not
come to its end.`;

/** `berth plan`: what a change would do, without making it. */
export function planCommand(program: Command, setExitCode: SetExitCode): void {
  const plan = program.command("plan").description("say what a change would do, without making it");
  const show = (answer: Plan, options: ApiOptions) => {
    print(answer, options);
    if (answer.end === "STUCK") setExitCode(1);
  };
  planDeploy(plan, show);
  planScale(plan, show);
  planRebalance(plan, show);
  planRemoval(plan, show, { name: "drain", manner: "DRAIN", description: "set hosts to DRAINING" });
  planRemoval(plan, show, {
    name: "remove-host",
    manner: "DEREGISTER",
    description: "take hosts away at once, as if they were lost",
  });
}

type Show = (answer: Plan, options: ApiOptions) => void;

interface DeployOptions extends ApiOptions {
  readonly taskDefinition?: string;
  readonly count?: number;
  readonly minHealthy?: number;
  readonly max?: number;
}

function planDeploy(plan: Command, show: Show): void {
  withApiOptions(plan.command("deploy").description("deploy a service anew"))
    .argument("<service>", "the service's name")
    .option("-t, --task-definition <name>", "family, family:revision or ARN (default: the service's)")
    .option("--count <n>", "how many tasks (default: the service's)", wholeNumber(0))
    .option("--min-healthy <percent>", "minimumHealthyPercent (default: the service's)", percent)
    .option("--max <percent>", "maximumPercent (default: the service's)", percent)
    .addHelpText("after", HELP)
    .action(async (service: string, options: DeployOptions) => {
      const { taskDefinition, count: desiredCount, minHealthy, max } = options;
      const input: UpdateInput = {
        cluster: options.cluster,
        service,
        taskDefinition,
        desiredCount,
        forceNewDeployment: true,
        minimumHealthyPercent: minHealthy,
        maximumPercent: max,
      };
      show(await clientFor(options).berth("PlanServiceUpdate", input), options);
    });
}

function planScale(plan: Command, show: Show): void {
  withApiOptions(plan.command("scale").description("set how many tasks a service is to have"))
    .argument("<service>", "the service's name")
    .argument("<count>", "how many tasks", wholeNumber(0))
    .addHelpText("after", HELP)
    .action(async (service: string, desiredCount: number, options: ApiOptions) => {
      const input = { cluster: options.cluster, service, desiredCount };
      show(await clientFor(options).berth("PlanServiceUpdate", input), options);
    });
}

function planRebalance(plan: Command, show: Show): void {
  withApiOptions(plan.command("rebalance").description("even a service's tasks out over zones and hosts"))
    .argument("<service>", "the service's name")
    .addHelpText("after", HELP)
    .action(async (service: string, options: ApiOptions) => {
      show(await clientFor(options).berth("PlanServiceRebalance", { cluster: options.cluster, service }), options);
    });
}

function planRemoval(
  plan: Command,
  show: Show,
  {
    name,
    manner,
    description,
  }: { readonly name: string; readonly manner: RemovalManner; readonly description: string },
): void {
  withApiOptions(plan.command(name).description(description))
    .argument("<hosts...>", "names of hosts, or ids or ARNs of container instances")
    .addHelpText("after", HELP)
    .action(async (containerInstances: string[], options: ApiOptions) => {
      const input = { cluster: options.cluster, containerInstances, manner };
      show(await clientFor(options).berth("PlanInstanceRemoval", input), options);
    });
}

function percent(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function print(plan: Plan, { output }: ApiOptions): void {
  if (output === "json") printJson(plan);
  else printTables(plan);
}

function printTables(plan: Plan): void {
  endWhenNobodyReads();
  const styled = process.stdout.isTTY === true;
  const parts = [
    explanationLines(plan),
    fitTable(plan.instances, styled),
    stepTable(plan, styled),
    hostTable(plan, styled),
    plan.notes.map((note) => `Note: ${note}.\n`).join(""),
  ];
  process.stdout.write(parts.filter((part) => part !== "").join("\n"));
}

function stepTable({ steps }: Plan, styled: boolean): string {
  const rows = steps.flatMap(({ number, starts, stops }) => [
    ...starts.map((tasks) => ({ number, verb: "start", ...tasks })),
    ...stops.map((tasks) => ({ number, verb: "stop", ...tasks })),
  ]);
  if (rows.length === 0) return "";
  const columns = [
    { heading: "STEP", of: (row: (typeof rows)[number]) => String(row.number) },
    { heading: "", of: (row: (typeof rows)[number]) => row.verb },
    { heading: "TASKS", of: (row: (typeof rows)[number]) => String(row.count) },
    { heading: "DEFINITION", of: (row: (typeof rows)[number]) => row.taskDefinition },
    { heading: "SERVICE", of: (row: (typeof rows)[number]) => row.service },
    { heading: "HOST", of: (row: (typeof rows)[number]) => row.host },
  ];
  return renderTable(rows, columns, styled);
}

function hostTable({ hosts }: Plan, styled: boolean): string {
  if (hosts.length === 0) return "";
  return renderTable(
    hosts,
    [
      { heading: "HOST", of: (h) => h.host },
      { heading: "TASKS NOW", of: (h) => String(h.tasksBefore) },
      { heading: "TASKS THEN", of: (h) => String(h.tasksAfter) },
      { heading: "CPU FREE THEN", of: (h) => String(h.cpuLeft) },
      { heading: "MEMORY FREE THEN", of: (h) => `${h.memoryMiBLeft} MiB` },
    ],
    styled,
  );
}
