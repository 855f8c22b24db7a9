/** The command line was wrong, or something it needs is not there: told in one line, exit code 2. */
export class UsageError extends Error {}
