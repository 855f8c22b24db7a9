/** The API version this client is written against, that of Docker Engine 20.10. */
export const CLIENT_API_VERSION = "1.41";

/** Orders "1.9" before "1.41". */
export function compareApiVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split(".").map(Number);
  const [bMajor = 0, bMinor = 0] = b.split(".").map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}

/**
 * The version to speak with a daemon: ours, or its minimum if it no longer speaks ours.
 * Throws an Error if the daemon is older than Docker Engine 20.10.
 */
export function negotiateApiVersion(daemon: { readonly max: string; readonly min: string }): string {
  if (compareApiVersions(daemon.max, CLIENT_API_VERSION) < 0)
    throw new Error(
      `the Docker daemon speaks API ${daemon.max}; at least ${CLIENT_API_VERSION} (Docker 20.10) is needed`,
    );
  return compareApiVersions(daemon.min, CLIENT_API_VERSION) > 0 ? daemon.min : CLIENT_API_VERSION;
}
