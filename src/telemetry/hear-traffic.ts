import type { Carrier, Carriers } from "../balancer/index.ts";
import type { Telemetry } from "./telemetry.ts";

/** Has `telemetry` take the samples of every balancer that is there, and of those that join. Returns what ends that. */
export function hearTraffic(
  telemetry: Pick<Telemetry, "take">,
  carriers: Pick<Carriers, "connected" | "watch">,
): () => void {
  const ends = new Map<string, () => void>();
  const joined = ({ name, balancer }: Carrier) => {
    ends.get(name)?.();
    ends.set(
      name,
      balancer.onTraffic((sample) => telemetry.take(sample, name)),
    );
  };
  const left = ({ name }: Carrier) => {
    ends.get(name)?.();
    ends.delete(name);
  };
  const endWatch = carriers.watch({ joined, left });
  for (const carrier of carriers.connected()) joined(carrier);
  return () => {
    endWatch();
    for (const end of ends.values()) end();
  };
}
