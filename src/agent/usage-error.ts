/** The command line or the environment is wrong. The message names the flag or the variable, and what is accepted. */
export class AgentUsageError extends Error {}
