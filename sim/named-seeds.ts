/** Seeds that found something, and go on being simulated: the hours until it happened, and what it was. */
export const NAMED_SEEDS: readonly { readonly seed: number; readonly hours: number; readonly found: string }[] = [
  { seed: 8, hours: 2, found: "RunTask, repeated with its clientToken, told of the tasks and not of the failures" },
];
