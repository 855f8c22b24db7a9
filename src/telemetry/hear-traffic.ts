import type { AccessRecord, Carrier, Carriers } from "../balancer/index.ts";
import type { Telemetry } from "./telemetry.ts";

/** Has `telemetry` take the samples of every balancer that is there and of those that join, and `takeAccess` their requests. Returns what ends that. */
export function hearTraffic(
  telemetry: Pick<Telemetry, "take">,
  carriers: Pick<Carriers, "connected" | "watch">,
  takeAccess: (records: readonly AccessRecord[]) => void,
): () => void {
  const ends = new Map<string, () => void>();
  const joined = ({ name, balancer }: Carrier) => {
    ends.get(name)?.();
    const both = [balancer.onTraffic((sample) => telemetry.take(sample, name)), balancer.onAccess(takeAccess)];
    ends.set(name, () => {
      for (const end of both) end();
    });
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
