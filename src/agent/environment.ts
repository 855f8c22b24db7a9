import { AgentUsageError } from "./usage-error.ts";

/** Variables this agent reads. */
const READ = new Set([
  ...[
    "ECS_CLUSTER",
    "ECS_BACKEND_HOST",
    "ECS_DATADIR",
    "ECS_HOST_ADDRESS",
    "ECS_AVAILABILITY_ZONE",
    "ECS_INSTANCE_TYPE",
  ],
  ...["ECS_INSTANCE_ATTRIBUTES", "ECS_CONTAINER_INSTANCE_TAGS", "ECS_RESERVED_MEMORY", "ECS_RESERVED_PORTS"],
  ...[
    "ECS_RESERVED_PORTS_UDP",
    "ECS_AVAILABLE_LOGGING_DRIVERS",
    "ECS_IMAGE_PULL_BEHAVIOR",
    "ECS_CONTAINER_STOP_TIMEOUT",
  ],
  ...["ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", "ECS_ENABLE_CONTAINER_METADATA", "ECS_LOGLEVEL"],
  ...["ECS_CGROUP_PARENT", "ECS_ENABLE_TASK_CPU_MEM_LIMIT"],
]);

/** What a container is told by the agent that runs it: an agent in a container finds them in its own environment. */
const OF_A_CONTAINER = /^ECS_(CONTAINER_METADATA_(URI|URI_V4|FILE)|AGENT_URI)$/;

/**
 * Refuses a setting of the official agent's that this agent does not carry out, rather than ignoring it. Empty and
 * "false" ask for nothing; ECS_CHECKPOINT asks for what is always so. Throws AgentUsageError.
 */
export function refuseUnknownEnvironment(env: NodeJS.ProcessEnv): void {
  const refused = Object.entries(env)
    .filter(
      ([name, value]) => name.startsWith("ECS_") && !READ.has(name) && !OF_A_CONTAINER.test(name) && asks(name, value),
    )
    .map(([name]) => name)
    .sort();
  if (refused.length > 0)
    throw new AgentUsageError(
      `this agent does not support ${refused.join(", ")}: unset ${refused.length > 1 ? "them" : "it"}`,
    );
}

function asks(name: string, value: string | undefined): boolean {
  if (name === "ECS_CHECKPOINT" && value === "true") return false;
  return value !== undefined && value !== "" && value !== "false";
}
