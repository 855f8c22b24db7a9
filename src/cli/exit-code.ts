/** Commands tell their exit code through this when it is not 0. */
export type SetExitCode = (code: number) => void;
