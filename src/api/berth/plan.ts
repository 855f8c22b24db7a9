import { type Move, type Rehearsal, rehearseServices } from "../../controllers/index.ts";
import type { DeploymentSettings } from "../../deployment/index.ts";
import { type Explanation, explainService, summarizePlan } from "../../explain/index.ts";
import { type ContainerInstanceRecord, hostName, remainingResources } from "../../model/container-instance.ts";
import type { Instant } from "../../runtime/clock.ts";
import { type Random, seededRandom } from "../../runtime/random.ts";
import type { BerthTransaction } from "../../store/index.ts";
import type { ServiceArn } from "../../wire/arn.ts";
import type { BerthShape } from "../../wire/models/berth.ts";
import type { ApiContext } from "../context.ts";
import { rehearsedFactsOf } from "./facts.ts";

type Plan = BerthShape<"Plan">;

/** A change that was made in a rehearsal. */
interface Made {
  /** Whose tasks it concerns. */
  readonly services: readonly ServiceArn[];
  readonly notes: readonly string[];
  /** How services behave meanwhile, if otherwise than in any rehearsal. */
  readonly settings?: DeploymentSettings;
}

/** A change whose consequences are asked for. */
export interface Change {
  /** Makes the change in the rehearsal, and answers what that was. May throw what the real one throws. */
  make(tx: BerthTransaction, now: Instant): Made;
}

/** Chance decides among equals only; each plan has the same chances, so that asking twice answers the same. */
const PLAN_SEED = 0x706c616e;
export const planRandom = (): Random => seededRandom(PLAN_SEED);

/** What comes of the change, worked out by the code that would act, on the newest records, and forgotten. Others go on meanwhile. */
export function planChange({ store, clock }: ApiContext, change: Change): Promise<Plan> {
  return store.rehearse(async (tx) => {
    const now = clock.now();
    const { services, notes, settings } = change.make(tx, now);
    const turn = () => clock.sleep(0);
    const rehearsal = await rehearseServices(tx, services, { now, random: planRandom(), turn, settings });
    const told = rehearsal.end === "stuck" ? obstaclesOf(tx, services, now) : undefined;
    const steps = rehearsal.steps.map((moves, i) => stepOf(tx, moves, i + 1));
    return {
      ...outcomeOf(rehearsal, told),
      steps,
      hosts: hostsOf(tx, rehearsal),
      notes: [...notes],
      findings: [...(told?.findings ?? [])],
      fixes: [...(told?.fixes ?? [])],
      instances: [...(told?.instances ?? [])],
    };
  });
}

function outcomeOf({ steps, end }: Rehearsal, told: Explanation | undefined): Pick<Plan, "end" | "summary"> {
  const ends = {
    settled: steps.length === 0 ? "NOTHING_TO_DO" : "COMPLETE",
    stuck: "STUCK",
    "cut-off": "CUT_OFF",
  } as const;
  const moves = steps.flat();
  const outcome = {
    end: ends[end],
    steps: steps.length,
    starts: countByDefinition(moves.filter((m) => m.kind === "start")),
    stops: countByDefinition(moves.filter((m) => m.kind === "stop")),
    obstacle: told?.findings[0],
  };
  return { end: outcome.end, summary: summarizePlan(outcome) };
}

function countByDefinition(moves: readonly Move[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { taskDefinitionArn } of moves) {
    const name = lastPart(taskDefinitionArn);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What stands in the way of the first service that is not as it should be. */
function obstaclesOf(tx: BerthTransaction, services: readonly ServiceArn[], now: Instant): Explanation | undefined {
  for (const arn of services) {
    const service = tx.services.get(arn);
    if (service === undefined) continue;
    const told = explainService(rehearsedFactsOf(tx, service), now);
    if (told.state === "WELL" || told.findings.length === 0) continue;
    const of = services.length === 1 ? "" : `service ${service.name}: `;
    return { ...told, findings: told.findings.map(({ code, text }) => ({ code, text: `${of}${text}` })) };
  }
  return undefined;
}

function stepOf(tx: BerthTransaction, moves: readonly Move[], number: number): BerthShape<"PlanStep"> {
  const all = (kind: Move["kind"]) =>
    grouped(
      tx,
      moves.filter((move) => move.kind === kind),
    );
  return { number, starts: all("start"), stops: all("stop") };
}

/** Moves of one service, task definition and host together. */
function grouped(tx: BerthTransaction, moves: readonly Move[]): BerthShape<"PlannedTasks">[] {
  const same = Map.groupBy(moves, (m) => `${m.serviceArn} ${m.taskDefinitionArn} ${m.containerInstanceArn}`);
  const all = [...same.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const { serviceArn, taskDefinitionArn, containerInstanceArn: on } = first;
    const instance = on === undefined ? undefined : tx.containerInstances.get(on);
    return {
      service: lastPart(serviceArn),
      taskDefinition: lastPart(taskDefinitionArn),
      containerInstanceArn: on,
      host: instance === undefined ? "-" : hostName(instance),
      count: others.length + 1,
    };
  });
  return all.sort(byHost);
}

/** The hosts that tasks come to or go from. */
function hostsOf(tx: BerthTransaction, { steps }: Rehearsal): BerthShape<"PlannedHost">[] {
  const moved = Map.groupBy(steps.flat(), (move) => move.containerInstanceArn);
  return [...moved]
    .flatMap(([arn, moves]) => {
      const instance = arn === undefined ? undefined : tx.containerInstances.get(arn);
      return instance === undefined ? [] : [plannedHost(tx, instance, moves)];
    })
    .sort(byHost);
}

function plannedHost(
  tx: BerthTransaction,
  instance: ContainerInstanceRecord,
  moves: readonly Move[],
): BerthShape<"PlannedHost"> {
  const left = remainingResources(tx.containerInstances.derived.placement.occupied(instance));
  const tasksAfter = tx.tasks
    .where("containerInstance", instance.arn)
    .filter((t) => t.desiredStatus === "RUNNING").length;
  const gained = moves.reduce((sum, { kind }) => sum + (kind === "start" ? 1 : -1), 0);
  return {
    containerInstanceArn: instance.arn,
    host: hostName(instance),
    tasksBefore: tasksAfter - gained,
    tasksAfter,
    cpuLeft: left.cpu,
    memoryMiBLeft: left.memoryMiB,
  };
}

function byHost(a: { readonly host: string }, b: { readonly host: string }): number {
  return a.host.localeCompare(b.host, "en", { numeric: true });
}

const lastPart = (arn: string) => arn.slice(arn.lastIndexOf("/") + 1);
