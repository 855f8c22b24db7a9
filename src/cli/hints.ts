/** What to do about a refusal, by the code of AWS's error. The error's own words come first: they are ECS's. */
const HINTS: Readonly<Record<string, string>> = {
  ClusterNotFoundException: "--cluster names another; `aws ecs list-clusters` lists them",
  ServiceNotFoundException: "`berth services` lists those of the cluster",
  ServiceNotActiveException: "it has been deleted; `berth services` lists those of the cluster",
  InvalidSignatureException: "the secret key is not this server's; its own is in DIR/credentials",
  UnrecognizedClientException: "the access key is not this server's; its own is in DIR/credentials",
};

/** " (what to do)" for an error code, or "" where the error's own words must do. */
export function hintFor(code: string): string {
  const hint = Object.hasOwn(HINTS, code) ? HINTS[code] : undefined;
  return hint === undefined ? "" : ` (${hint})`;
}
