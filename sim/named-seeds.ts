/**
 * Seeds that found something, and go on being simulated: the hours that they took, and what it was. As the product changes, a seed's story
 * becomes another one; what holds the fault itself down for good is a test beside its code.
 */
export const NAMED_SEEDS: readonly { readonly seed: number; readonly hours: number; readonly found: string }[] = [
  { seed: 8, hours: 2, found: "RunTask, repeated with its clientToken, told of the tasks and not of the failures" },
  { seed: 4, hours: 3, found: "a service that waited for room for a replacement wrote its record without end" },
  { seed: 23, hours: 4, found: "a look that found no room asked for the next one at the same moment" },
  {
    seed: 1056,
    hours: 8,
    found: "a manifest missed the tasks of a payload that came just before it: an orphan was left",
  },
];
