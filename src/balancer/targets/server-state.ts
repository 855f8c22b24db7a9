import { backendName, backupName } from "../configuration/names.ts";
import type { BalancerState } from "../state.ts";
import type { Track } from "./target.ts";

const HEADER =
  "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";

const MAINTENANCE = 1;
const DRAIN = 8;

/**
 * HAProxy's server state file: what a new worker takes its servers for before their first check, so that a reload or a
 * restart keeps healthy targets in rotation, draining ones drained and new ones out. Matching is by backend and server name;
 * the ids in the lines mean nothing. Format: HAProxy management guide, "show servers state", version 1.
 */
export function renderServerState(
  state: BalancerState,
  tracks: ReadonlyMap<string, ReadonlyMap<string, Track>>,
): string {
  let out = HEADER;
  let id = 0;
  for (const group of state.targetGroups) {
    const check = group.healthCheck;
    // HAProxy takes this over the word of its configuration: a target that speaks TLS would be spoken to without.
    const useSsl = group.tls === true ? 1 : 0;
    for (const target of group.targets) {
      const track = tracks.get(group.id)?.get(target.id);
      if (track === undefined) continue;
      const { phase } = track.health;
      const line = (name: string, up: boolean, admin: number, health: number, checks: number) => {
        id += 1;
        out += `1 ${backendName(group.id)} ${id} ${name} ${target.address} ${up ? 2 : 0} ${admin} 1 1 0 1 0 ${health} ${checks} 0 0 0 - ${target.port} - ${useSsl} 0 - - 0\n`;
      };
      const admin = track.draining ? DRAIN : 0;
      if (!check.enabled) {
        line(track.server, true, admin, 0, 0);
        continue;
      }
      const up = phase === "healthy";
      line(track.server, up, admin, up ? check.healthyThreshold + check.unhealthyThreshold - 1 : 0, 6);
      const open = !track.draining && phase !== "initial";
      line(backupName(track.server), open, open ? 0 : MAINTENANCE, 0, 0);
    }
  }
  return out;
}
