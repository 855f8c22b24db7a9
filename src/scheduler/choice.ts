import type { Arrivals } from "./chance.ts";
import type { Headroom } from "./headroom.ts";
import type { Rank } from "./strategies.ts";

/** What a choice is made by: room, then each rank in turn, then chance. */
export interface Choice {
  readonly room: Headroom;
  readonly ranks: readonly Rank[];
  readonly arrivals: Arrivals;
}

/** By arrival; two whose arrivals are the same (a collision of hashes) by ARN. */
export function arrivesBefore(a: number, b: number, { room, arrivals }: Pick<Choice, "room" | "arrivals">): boolean {
  const difference = arrivals.time(a) - arrivals.time(b);
  if (difference !== 0) return difference < 0;
  return (room.fleet.instance(a)?.arn ?? "") < (room.fleet.instance(b)?.arn ?? "");
}
