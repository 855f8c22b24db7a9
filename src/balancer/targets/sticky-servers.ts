import { createHash } from "node:crypto";
import { serverPrefix } from "../configuration/names.ts";
import type { BalancerState } from "../state.ts";
import type { Track } from "./target.ts";

/** The whole map for `state`: digest to server. */
export function stickyServers(
  state: BalancerState,
  tracks: ReadonlyMap<string, ReadonlyMap<string, Track>>,
): Map<string, string> {
  const entries = new Map<string, string>();
  for (const group of state.targetGroups) {
    if (group.stickiness === undefined || group.stickiness.type === "source_ip") continue;
    for (const target of group.targets) {
      const track = tracks.get(group.id)?.get(target.id);
      if (track === undefined || target.draining) continue;
      const digest = createHash("sha1").update(serverPrefix(target)).digest("hex").toUpperCase();
      entries.set(digest, track.server);
    }
  }
  return entries;
}
