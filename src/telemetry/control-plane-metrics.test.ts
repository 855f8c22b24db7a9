import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateRecord } from "../model/certificate.ts";
import type { ListenerRecord } from "../model/load-balancer.ts";
import { systemClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { MemoryDisk, MemoryJournal, openStore, SCHEMA } from "../store/index.ts";
import { controlPlaneMetrics } from "./control-plane-metrics.ts";

test("the end of each certificate that is shown is told, and how often a requested one failed", async () => {
  const journal = new MemoryJournal({ disk: new MemoryDisk(), clock: systemClock() });
  const store = await openStore({ schema: SCHEMA, journal, log: silentLog() });
  const facts = { domainName: "a.example", notAfter: 1_800_000_000_500 };
  const request = { names: ["b.example"], failures: 3 };
  await store.transact("arrange", (tx) => {
    for (const arn of ["shown", "unused"]) tx.certificates.put({ arn, certificate: "pem", facts } as CertificateRecord);
    tx.certificates.put({ arn: "failing", request } as unknown as CertificateRecord);
    tx.listeners.put({ arn: "l", certificateArn: "shown", defaultActions: [] } as unknown as ListenerRecord);
    return undefined;
  });
  const samplesOf = (name: string) => controlPlaneMetrics(store).find((metric) => metric.name === name)?.samples;
  assert.deepEqual(samplesOf("berth_certificate_expiry_timestamp_seconds"), [
    { labels: { certificate: "shown", domain: "a.example" }, value: 1_800_000_000 },
  ]);
  assert.deepEqual(samplesOf("berth_certificate_failures"), [
    { labels: { certificate: "failing", domain: "b.example" }, value: 3 },
  ]);
});
