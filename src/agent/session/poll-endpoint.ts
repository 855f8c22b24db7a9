import type { Clock } from "../../runtime/clock.ts";
import type { EcsApi } from "../ecs-api.ts";

/** How long an answer holds (agent protocol, 1.7). */
const HOLDS_MS = 12 * 60 * 60_000;

export interface PollEndpoints {
  readonly acs: URL;
  readonly telemetry: URL;
}

/** Where the sessions go. One answer serves both; after a failed connection it is asked for again. */
export interface PollEndpointSource {
  get(): Promise<PollEndpoints>;
  /** A connection to what was answered failed. The old answer is still used if there is no new one. */
  doubt(): void;
}

export function pollEndpointSource(
  api: EcsApi,
  clock: Clock,
  containerInstanceArn: string,
  cluster: string,
): PollEndpointSource {
  let known: { readonly endpoints: PollEndpoints; readonly at: number } | undefined;
  let doubted = false;
  let asking: Promise<PollEndpoints> | undefined;

  async function ask(): Promise<PollEndpoints> {
    try {
      const answer = await api.discoverPollEndpoint(containerInstanceArn, cluster);
      const acs = socketUrl(answer.endpoint, "endpoint");
      const endpoints = {
        acs,
        telemetry: answer.telemetryEndpoint ? socketUrl(answer.telemetryEndpoint, "telemetryEndpoint") : acs,
      };
      known = { endpoints, at: clock.monotonic() };
      doubted = false;
      return endpoints;
    } catch (error) {
      if (known) return known.endpoints;
      throw error;
    } finally {
      asking = undefined;
    }
  }

  return {
    get() {
      if (known && !doubted && clock.monotonic() - known.at < HOLDS_MS) return Promise.resolve(known.endpoints);
      asking ??= ask();
      return asking;
    },
    doubt: () => {
      doubted = true;
    },
  };
}

/** http becomes ws, and "ws" is joined to the path. Throws an Error for any other scheme. */
export function socketUrl(text: string | undefined, what: string): URL {
  const match = /^http(s?):\/\/(.+)$/.exec(text ?? "");
  if (!match) throw new Error(`DiscoverPollEndpoint: ${what} "${text}" is not an http or https URL`);
  return new URL(`ws${match[1]}://${match[2]?.replace(/\/$/, "")}/ws`);
}
