import type { BalancerState } from "../state.ts";
import type { MapContents } from "./live-map.ts";

/** Where an ACME server asks. Source: RFC 8555, 8.3. */
const PREFIX = "/.well-known/acme-challenge/";

/** What is wrong with challenges. */
export function* challengeProblems({ challenges = [] }: Pick<BalancerState, "challenges">): Generator<string> {
  const seen = new Set<string>();
  for (const { token, answer } of challenges) {
    const name = `challenge ${JSON.stringify(token)}`;
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(token)) yield `${name}: a token has 1-128 characters of base64url`;
    if (!/^[A-Za-z0-9._-]{1,255}$/.test(answer)) yield `${name}: its answer is not a token with a thumbprint`;
    if (seen.has(token)) yield `${name} is there twice`;
    seen.add(token);
  }
}

/**
 * The line of an HTTP frontend, before its rules; none where no challenge may ever come. Other requests pay for one look at how their
 * path begins, and a path below the prefix that is no challenge goes the way of any other.
 */
export function challengeLines({ challenges }: Pick<BalancerState, "challenges">, mapFile: string): string[] {
  if (challenges === undefined) return [];
  const entry = `path,map(${mapFile})`;
  const when = `{ path_beg ${PREFIX} } { ${entry} -m found }`;
  return [`  http-request return status 200 content-type application/octet-stream lf-string %[${entry}] if ${when}`];
}

/** The whole map for a state: path to answer. */
export function challengeEntries({ challenges = [] }: Pick<BalancerState, "challenges">): MapContents {
  return new Map(challenges.map(({ token, answer }) => [PREFIX + token, answer]));
}
