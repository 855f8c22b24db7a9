import { AwsError } from "../src/wire/errors.ts";
import type { Chance } from "./chance.ts";
import type { ControlPlane, ServiceName } from "./control-plane.ts";
import type { Link } from "./network.ts";
import { short } from "./story.ts";
import type { ProcessClock, VirtualTime } from "./virtual-time.ts";

/** How long a caller waits for an answer. */
const ANSWER_MS = 15_000;

/** A call that got no answer: nobody knows whether it was carried out. */
export class NoAnswer extends Error {}

/** Who calls: a process on a machine with a link to the control plane. */
export interface Caller {
  readonly clock: ProcessClock;
  readonly host: { readonly link: Link };
}

/** Calls the API over the network. Rejects with an AwsError, or with NoAnswer. */
export type CallApi = (caller: Caller, service: ServiceName, operation: string, input: object) => Promise<unknown>;

/** True for what may go well when it is tried again. */
export function isPassing(error: unknown): boolean {
  return error instanceof NoAnswer || (error instanceof AwsError && error.httpStatus >= 500);
}

export function isUnknownTask(error: unknown): boolean {
  return error instanceof AwsError && error.code === "InvalidParameterException";
}

export function refusalText(error: unknown): string {
  return error instanceof AwsError
    ? `${error.code}: ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
}

/** What may go wrong between a caller and the control plane. Probabilities. */
export interface CallFaults {
  readonly losesRequest: () => number;
  readonly losesAnswer: () => number;
  /** The request arrives once more, up to a minute later. */
  readonly repeats: () => number;
}

export interface ApiParts {
  readonly time: VirtualTime;
  readonly plane: ControlPlane;
  readonly chance: Chance;
  readonly faults: CallFaults;
  readonly tell: (what: string) => void;
  /** A call begins, or is over: what it changes, it changes in between. */
  readonly underWay: (operation: string, isUnderWay: boolean) => void;
  /** The operation has answered: what it answered must be on disk by now. */
  readonly answered: (operation: string, input: object, output: unknown) => void;
  /** The operation threw something that is no refusal. */
  readonly failed: (operation: string, error: unknown) => void;
}

/** The way from a caller's process through the network to the operations, and back. */
export function apiOver(parts: ApiParts): CallApi {
  const { time, chance, faults } = parts;
  return (caller, service, operation, input) =>
    new Promise((resolve, reject) => {
      const { link } = caller.host;
      let isOver = false;
      const settle = (end: () => void) => {
        if (isOver || caller.clock.isDead) return;
        isOver = true;
        patience.cancel();
        end();
      };
      const patience = caller.clock.after(ANSWER_MS, () =>
        settle(() => reject(new NoAnswer(`no answer to ${operation}`))),
      );
      const answer = (end: () => void) => {
        if (!chance.is(faults.losesAnswer())) link.bring(() => settle(end));
      };
      const arrive = () =>
        execute(parts, service, operation, input, {
          answered: (output) => answer(() => resolve(output)),
          refused: (error) => answer(() => reject(error)),
        });
      if (!chance.is(faults.losesRequest())) link.bring(arrive);
      if (chance.is(faults.repeats())) {
        time.after(chance.between(0, 60_000), () =>
          execute(parts, service, operation, input, { answered: () => undefined, refused: () => undefined }),
        );
      }
    });
}

interface Outcome {
  readonly answered: (output: unknown) => void;
  readonly refused: (error: unknown) => void;
}

function execute(parts: ApiParts, service: ServiceName, operation: string, input: object, outcome: Outcome): void {
  const { plane, time } = parts;
  const { running } = plane;
  if (running === undefined) {
    outcome.refused(new NoAnswer("connection refused"));
    return;
  }
  const { clock } = running;
  if (clock.stoppedMs > 0) {
    time.after(clock.stoppedMs, () => execute(parts, service, operation, input, outcome));
    return;
  }
  let isOver = false;
  parts.underWay(operation, true);
  running.onEnd(() => {
    if (isOver) return;
    isOver = true;
    parts.underWay(operation, false);
    outcome.refused(new NoAnswer("connection reset"));
  });
  const end = (fn: () => void) => {
    if (isOver || clock.isDead) return;
    isOver = true;
    parts.underWay(operation, false);
    fn();
  };
  plane.call(service, operation, input).then(
    (output) =>
      end(() => {
        parts.answered(operation, input, output);
        outcome.answered(output);
      }),
    (error: unknown) =>
      end(() => {
        if (plane.running !== running) parts.tell(`${operation} ${subject(input)} is broken off`);
        else if (error instanceof AwsError)
          parts.tell(`${operation} ${subject(input)} refused: ${error.code}: ${error.message.slice(0, 120)}`);
        else parts.failed(operation, error);
        outcome.refused(error instanceof AwsError ? error : new NoAnswer(String(error)));
      }),
  );
}

/** What a call is about, for the story. */
export function subject(input: object): string {
  const { task, service, serviceName, containerInstance, status, desiredCount, taskDefinition, count } =
    input as Record<string, unknown>;
  const parts = [service ?? serviceName, task, containerInstance, taskDefinition].filter((p) => typeof p === "string");
  const figures = [status, desiredCount, count].filter((p) => p !== undefined);
  return [...parts.map((p) => short(p as string)), ...figures].join(" ");
}
