import { systemClock } from "../runtime/clock.ts";
import { processLog } from "../runtime/log.ts";
import { systemRandom } from "../runtime/random.ts";
import { credentialSource } from "../wire/credential-source.ts";
import { AGENT_HELP, type AgentConfig, parseAgentConfig } from "./config.ts";
import { dockerRuntime } from "./docker/docker-runtime.ts";
import { EXIT } from "./exit-code.ts";
import { runAgent } from "./main.ts";
import { openSqliteState } from "./state/sqlite-state.ts";
import { AgentUsageError } from "./usage-error.ts";

export { AGENT_HELP, type AgentConfig, parseAgentConfig } from "./config.ts";
export { type AgentDeps, runAgent } from "./main.ts";
export { AgentUsageError } from "./usage-error.ts";

/** The process `berth agent`: parses, runs until SIGTERM or SIGINT, and resolves to the exit code. */
export async function agentMain(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const config = parseAgentConfig(args, env);
    if (config !== "help") return await runProcess(config, env);
    process.stdout.write(AGENT_HELP);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof AgentUsageError)) throw error;
    process.stderr.write(`berth agent: ${error.message}\n`);
    return EXIT.usage;
  }
}

async function runProcess(config: AgentConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const clock = systemClock();
  const random = systemRandom();
  const log = processLog("berth-agent", config.logLevel);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  const runtime = dockerRuntime(config.dockerHost, clock);
  // The clock's timers do not keep a process alive; the agent is to live also while nothing is connected.
  const alive = new MessageChannel();
  alive.port1.onmessage = () => undefined;
  try {
    const state = openSqliteState(config.stateDir, clock, log);
    const code = await runAgent(config, {
      clock,
      random,
      log,
      runtime,
      state,
      credentials: credentialSource(env),
      signal: stop.signal,
    });
    await state.close();
    return code;
  } catch (error) {
    log.error({ error: String(error) }, "the agent cannot run");
    return EXIT.failed;
  } finally {
    alive.port1.close();
    runtime.close();
    process.off("SIGTERM", onSignal);
    process.off("SIGINT", onSignal);
  }
}
