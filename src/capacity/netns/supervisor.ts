/**
 * The first process of a local host: `node supervisor.ts HOSTS_DIR NAME`, started in the host's namespaces and control group. Runs the
 * host's Docker Engine and agent, and its balancer if it carries load balancers, and starts each again when it dies. SIGTERM ends them and
 * itself; containers and HAProxy keep running.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rotateLog, SupervisedChild } from "../../runtime/child.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { processLog } from "../../runtime/log.ts";
import { clearEngineLeftovers, engineAnswers, engineCommand } from "./engine.ts";
import {
  type HostProcess,
  type HostRecord,
  hostPaths,
  readHostRecord,
  readSupervisorState,
  replaceFile,
  type SupervisorState,
} from "./host-record.ts";
import { runsOnHost } from "./processes.ts";
import { hostsSettings } from "./settings.ts";

/** Each log file keeps at most this and once as much in its `.1`. */
const LOG_LIMIT_BYTES = 5 * 1024 * 1024;
const LOG_CHECK_MS = 10_000;
const ENGINE_POLL_MS = 20;
/** dockerd stops within this on SIGTERM with live-restore, for it leaves the containers alone. */
const STOP_GRACE_MS = 10_000;

async function supervise(record: HostRecord, hostsDir: string): Promise<void> {
  const clock = systemClock();
  const log = processLog("supervisor", "info");
  const paths = hostPaths({ ...hostsSettings({}), dir: hostsDir }, record.name);
  const [command = "dockerd", ...args] = engineCommand(record, paths);
  writeFileSync(join(paths.run, "daemon.json"), "{}\n");
  const state = (): SupervisorState => ({
    supervisor: process.pid,
    engine: engine.pid,
    agent: agent.pid,
    balancer: balancer?.pid,
    engineRestarts: engine.restarts,
    agentRestarts: agent.restarts,
  });
  const onChange = () => replaceFile(paths.supervisorState, JSON.stringify(state()));
  const engine = new SupervisedChild({
    ...{
      name: "dockerd",
      command,
      args,
      env: process.env,
      logFile: join(paths.log, "dockerd.log"),
      clock,
      log,
      onChange,
    },
    prepare: () => clearEngineLeftovers(record, paths, clock),
  });
  const kept = (name: string, { command, args, env }: HostProcess) =>
    new SupervisedChild({
      ...{ name, command, args, env: { ...process.env, ...env } },
      ...{ logFile: join(paths.log, `${name}.log`), clock, log, onChange },
    });
  const agent = kept("agent", record.agent);
  const balancer = record.balancer && kept("balancer", record.balancer);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await Promise.all([agent.stop(STOP_GRACE_MS), balancer?.stop(STOP_GRACE_MS)]);
    await engine.stop(STOP_GRACE_MS);
    process.exit(0);
  };
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());
  process.on("SIGHUP", () => {}); // the terminal that made the host may close

  const logs = ["dockerd.log", "agent.log", "balancer.log", "supervisor.log"].map((file) => join(paths.log, file));
  await endPredecessors(record.name, readSupervisorState({ ...hostsSettings({}), dir: hostsDir }, record.name), clock);
  engine.start();
  balancer?.start();
  while (!stopping && !(await engineAnswers(paths.socket))) await clock.sleep(ENGINE_POLL_MS);
  if (!stopping) agent.start();
  while (!stopping) {
    for (const file of logs) rotateLog(file, LOG_LIMIT_BYTES);
    await clock.sleep(LOG_CHECK_MS);
  }
}

/** Ends what an earlier supervisor ran before it was killed: nobody would notice its death. The containers stay. */
async function endPredecessors(host: string, earlier: SupervisorState | undefined, clock: Clock): Promise<void> {
  for (const pid of [earlier?.agent, earlier?.balancer, earlier?.engine])
    while (pid !== undefined && runsOnHost(host, pid)) {
      process.kill(pid, "SIGKILL");
      await clock.sleep(20);
    }
}

const [hostsDir, name] = process.argv.slice(2);
if (hostsDir === undefined || name === undefined) throw new Error("usage: supervisor.ts HOSTS_DIR NAME");
const record = readHostRecord({ ...hostsSettings({}), dir: hostsDir }, name);
if (record === undefined) throw new Error(`no host ${name} in ${hostsDir}`);
await supervise(record, hostsDir);
