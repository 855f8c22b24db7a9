import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { AcmeError, DnsHookError, newPrivateKey } from "../../certificates/index.ts";
import { FakeAcmeServer } from "../../certificates/testing.ts";
import type { CertificateRequest } from "../../model/certificate.ts";
import type { ListenerRecord } from "../../model/load-balancer.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import { createSealer } from "../../runtime/sealer.ts";
import { requestedCertificate, requestRenewal } from "../../state/index.ts";
import { MemoryDisk } from "../../store/index.ts";
import { certificateArn } from "../../wire/arn.ts";
import { testPlane } from "../testing.ts";
import type { CertificateIssuers } from "./certificate-issuers.ts";
import { MAX_ORDERS } from "./certificate-steps.ts";
import { startCertificatesController } from "./certificates.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const arnOf = (certificateId: string) =>
  certificateArn({ region: "us-east-1", accountId: "000000000000" }, { certificateId });

/** A control plane that issues certificates, and what outlives it: a disk, an ACME server, a name server with its hook program. */
class World {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  readonly acme = new FakeAcmeServer(() => this.clock.now());
  readonly sealer = createSealer("1".repeat(64), seededRandom(5));
  /** TXT records that are set. */
  readonly records = new Set<string>();
  /** What the hook program complains of, called for that action. */
  hookComplaint: (action: string) => string | undefined = () => undefined;
  root = "";
  isServed = true;
  readonly issuers: CertificateIssuers = {
    acme: { server: this.acme, email: "ops@a.example" },
    dnsHook: {
      run: async (action, name, value) => {
        const complaint = this.hookComplaint(action);
        if (complaint !== undefined) throw new DnsHookError(complaint);
        if (action === "present") this.records.add(`${name} ${value}`);
        else this.records.delete(`${name} ${value}`);
      },
    },
    httpPort: 80,
    probe: {
      ask: async (_at, _name, token) =>
        this.isServed ? this.#challenges().find((one) => one.token === token)?.answer : undefined,
    },
    publishRoot: (certificate) => {
      this.root = certificate;
    },
  };
  #plane: Awaited<ReturnType<typeof testPlane>> | undefined;
  #loop: { stop(): Promise<void> } | undefined;

  async start(): Promise<this> {
    this.#plane = await testPlane(this.clock, this.disk);
    const { store, random, log } = this.#plane.context;
    const balancer = { name: "b1", address: "10.0.0.1", registeredAt: 0, connected: true, connectedChangedAt: 0 };
    await this.clock.during(store.transact("balancer", (tx) => void tx.balancers.put(balancer)));
    this.#loop = startCertificatesController({
      store,
      clock: this.clock,
      random,
      log,
      sealer: this.sealer,
      issuers: this.issuers,
    });
    return this;
  }

  get store() {
    return this.#plane?.store ?? assert.fail("it is not running");
  }

  /** As `kill -9`, and a start on the same disk. */
  async restart(): Promise<void> {
    this.#plane?.kill();
    void this.#loop?.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.clock.during(this.#loop?.stop() ?? Promise.resolve());
  }

  async put(id: string, given: Partial<CertificateRequest> = {}): Promise<void> {
    const request: CertificateRequest = {
      names: [`${id}.example`],
      validation: "HTTP",
      keyAlgorithm: "EC_prime256v1",
      status: "PENDING_VALIDATION",
      failures: 0,
      ...given,
    };
    const arn = arnOf(id);
    await this.transact((tx) => tx.certificates.put({ arn, tags: {}, createdAt: this.clock.now(), request }));
  }

  transact(change: Parameters<typeof this.store.transact>[1]): Promise<unknown> {
    return this.clock.during(this.store.transact("arrange", change as never));
  }

  /** A listener on a port, which may show certificates. */
  async listen(port: number, ...certificates: string[]): Promise<void> {
    const [certificateArn, ...extraCertificateArns] = certificates.map(arnOf);
    const protocol = certificateArn === undefined ? "HTTP" : "HTTPS";
    const listener = {
      arn: `l${port}`,
      loadBalancerArn: "lb",
      port,
      protocol,
      certificateArn,
      extraCertificateArns,
      defaultActions: [],
    };
    await this.transact((tx) => tx.listeners.put(listener as unknown as ListenerRecord));
  }

  of(id: string) {
    return requestedCertificate(this.store.view, arnOf(id)) ?? assert.fail(`${id} is not there`);
  }

  /** Lets time pass, little by little, until it is so. Keys are made in another thread, which takes no time of this clock. */
  async until(what: string, isSo: () => boolean, stepMs = 10): Promise<void> {
    for (let turns = 0; !isSo(); turns++) {
      if (turns > 100_000) assert.fail(`not so: ${what}: ${JSON.stringify([...this.store.view.certificates.all()])}`);
      if (turns % 20 === 0) await this.clock.pass(stepMs);
      await turn();
    }
  }

  /** Goes to a time at which something is due; nothing is under way meanwhile. */
  goTo = (at: number): Promise<void> => this.clock.pass(at - this.clock.now());

  issued = (id: string) =>
    this.until(
      `${id} is issued`,
      () => this.of(id).request.status === "ISSUED" && this.of(id).request.order === undefined,
    );

  #challenges() {
    return [...this.store.view.certificates.all()].flatMap(({ request }) => request?.order?.challenges ?? []);
  }
}

test("[CE2] [CE3] a request becomes an order, its challenges stand in the records, and at last its certificate with its key", async () => {
  const world = await new World().start();
  await world.listen(80);
  await world.put("a", { names: ["a.example", "b.example"] });
  await world.issued("a");
  const { certificate = "", chain = "", sealedPrivateKey = "", facts, request } = world.of("a");
  const x509 = new X509Certificate(certificate);
  assert.ok(x509.checkPrivateKey(createPrivateKey(world.sealer.open(sealedPrivateKey, arnOf("a")))));
  assert.ok(x509.verify(new X509Certificate(chain).publicKey));
  assert.deepEqual(
    [facts?.subjectAlternativeNames, request.failures, request.trouble],
    [["a.example", "b.example"], 0, undefined],
  );
  assert.deepEqual(
    [...world.store.view.certificates.all()].filter((c) => c.request?.order !== undefined),
    [],
  );
  assert.ok(!JSON.stringify([...world.store.view.acmeAccounts.all(), world.of("a")]).includes("PRIVATE KEY"));
  await world.stop();
});

test("[CE3] a control plane that is killed at any moment goes on with its order", async () => {
  for (const validation of ["HTTP", "DNS"] as const)
    for (const call of ["register", "newOrder", "authorization", "order", "answer", "finalize", "certificate"] as const)
      for (const when of ["before", "after"] as const) {
        const world = await new World().start();
        await world.listen(80);
        let isStruck = false;
        const original = world.acme[call].bind(world.acme) as (...args: unknown[]) => Promise<unknown>;
        (world.acme as unknown as Record<string, unknown>)[call] = async (...args: unknown[]) => {
          if (isStruck) return original(...args);
          isStruck = true;
          if (when === "after") await original(...args);
          return new Promise(() => {}); // the answer never gets to the one that asked
        };
        await world.put("a", { validation, names: ["a.example", "b.example"] });
        await world.until(`${call} was called`, () => isStruck);
        for (let i = 0; i < 50; i++) await turn();
        await world.restart();
        await world.issued("a");
        const atMost = call === "newOrder" || call === "authorization" ? 2 : 1;
        assert.ok(world.acme.orders <= atMost, `${call} ${when}: ${world.acme.orders} orders`);
        await world.until(
          "no record is left",
          () => world.records.size === 0 && world.store.view.validationRecords.size === 0,
        );
        assert.equal(new Set(world.acme.calls.filter((c) => c === "register")).size, 1);
        await world.stop();
      }
});

test("[CE2] ten orders at a time, and the others in their turn", async () => {
  const world = await new World().start();
  await world.listen(80);
  let most = 0;
  world.store.watch(() => {
    most = Math.max(most, world.store.view.certificates.count("ordered", "yes"));
  });
  world.isServed = false;
  for (let i = 0; i < 25; i++) await world.put(`c${i}`);
  await world.until("there is no room", () => most >= MAX_ORDERS);
  world.isServed = true;
  for (let i = 0; i < 25; i++) await world.issued(`c${i}`);
  assert.equal(most, MAX_ORDERS);
  assert.equal(world.acme.calls.filter((call) => call === "register").length, 1);
  await world.stop();
});

test("[CE4] without a listener no order is begun, and the reason is told; it goes on when one comes", async () => {
  const world = await new World().start();
  await world.put("a");
  await world.until("the reason", () => world.of("a").request.trouble !== undefined);
  assert.match(world.of("a").request.trouble?.message ?? "", /no HTTP listener on port 80/);
  await world.clock.pass(10 * MINUTE);
  assert.deepEqual([world.acme.calls, world.of("a").request.failures], [[], 0]);
  await world.listen(80);
  await world.issued("a");
  await world.stop();
});

test("[CE1] [CE5] a challenge that fails tells why and is tried again, until the request is given up", async () => {
  const world = await new World().start();
  await world.listen(80);
  world.acme.validate = (name) => ({ type: "connection", detail: `${name}: connection refused` });
  await world.put("a");
  await world.until("it failed", () => world.of("a").request.failures === 1);
  const { trouble, order, nextAttemptAt = 0 } = world.of("a").request;
  assert.deepEqual(
    [trouble?.reason, trouble?.message, order],
    ["DOMAIN_VALIDATION_DENIED", "a.example: a.example: connection refused", undefined],
  );
  assert.equal(nextAttemptAt - (trouble?.at ?? 0), MINUTE);
  const limit = world.of("a").createdAt + 72 * 60 * MINUTE;
  for (let failures = 2; (world.of("a").request.nextAttemptAt ?? 0) < limit; failures++) {
    await world.goTo(world.of("a").request.nextAttemptAt ?? 0);
    await world.until(`it failed ${failures} times`, () => world.of("a").request.failures === failures);
  }
  await world.goTo(limit);
  await world.until("it is given up", () => world.of("a").request.status === "VALIDATION_TIMED_OUT");
  assert.match(world.of("a").request.trouble?.message ?? "", /connection refused/);
  assert.ok(world.acme.orders > 15 && world.acme.orders < 30, String(world.acme.orders));
  await world.stop();
});

test("[CE1] a name that the ACME server will never issue for ends the request, but no renewal", async () => {
  const world = await new World().start();
  await world.listen(80);
  await world.put("good");
  await world.issued("good");
  world.acme.disturb = (call) => {
    if (call === "newOrder") throw new AcmeError("forbidden by policy", { type: "rejectedIdentifier", status: 400 });
  };
  await world.put("a");
  await world.until("it failed", () => world.of("a").request.status === "FAILED");
  assert.deepEqual([world.of("a").request.trouble?.reason, world.of("a").request.failures], ["DOMAIN_NOT_ALLOWED", 0]);
  await world.transact((tx) => requestRenewal(tx, world.of("good")));
  await world.until("the renewal failed", () => world.of("good").request.failures === 1);
  assert.equal(world.of("good").request.status, "ISSUED");
  await world.stop();
});

test("[CE5] [CE6] Retry-After is kept: of a refusal by that certificate alone, of status 503 by all", async () => {
  const world = await new World().start();
  await world.listen(80);
  world.acme.disturb = (call) => {
    if (call === "newOrder")
      throw new AcmeError("too many", { type: "rateLimited", status: 429, retryAfterMs: 9 * DAY });
  };
  await world.put("a");
  await world.until("it was refused", () => world.of("a").request.failures === 1);
  const { trouble, nextAttemptAt = 0 } = world.of("a").request;
  assert.equal(nextAttemptAt - (trouble?.at ?? 0), 9 * DAY);
  world.acme.disturb = (call) => {
    if (call === "newOrder") throw new AcmeError("busy", { status: 503, retryAfterMs: 60 * MINUTE });
  };
  await world.put("b");
  await world.until("that was refused", () => world.of("b").request.failures === 1);
  world.acme.disturb = () => {};
  const before = world.acme.orders;
  await world.put("c");
  await world.clock.pass(59 * MINUTE);
  assert.equal(world.acme.orders, before);
  await world.until("c is issued", () => world.of("c").request.status === "ISSUED", 100);
  await world.stop();
});

test("[CE5] an ACME server that cannot be reached in the middle of an order is asked again, and no attempt is counted", async () => {
  const world = await new World().start();
  await world.listen(80);
  let refusals = 0;
  world.acme.disturb = (call) => {
    if (call === "finalize" && refusals++ < 3) throw new AcmeError(`cannot be reached ${refusals}`);
  };
  await world.put("a");
  await world.until("that is told", () => world.of("a").request.trouble?.message === "cannot be reached 1");
  const told = world.clock.now();
  await world.until("it is asked again", () => refusals === 2);
  assert.ok(world.clock.now() - told >= 4000, "not at once, though the record has changed");
  await world.until("it is issued", () => world.of("a").request.status === "ISSUED", 100);
  assert.deepEqual([world.acme.orders, refusals], [1, 4]);
  await world.stop();
});

test("[CE7] what a listener shows is renewed in time, and stays while that fails", async () => {
  const world = await new World().start();
  await world.listen(80);
  await world.put("a");
  await world.put("unused");
  await world.issued("a");
  await world.issued("unused");
  await world.listen(443, "a");
  const first = world.of("a").facts?.notAfter ?? 0;
  world.acme.validate = () => ({ type: "dns", detail: "SERVFAIL" });
  await world.goTo(first - 30 * DAY);
  for (let failures = 1; failures < 200 && world.clock.now() < first + DAY; failures++) {
    await world.until("the renewal failed", () => world.of("a").request.failures === failures);
    assert.deepEqual([world.of("a").request.status, world.of("a").facts?.notAfter], ["ISSUED", first]);
    await world.goTo(world.of("a").request.nextAttemptAt ?? 0);
  }
  assert.ok(world.clock.now() > first, "it has expired, and goes on");
  world.acme.validate = () => undefined;
  await world.until("it is renewed", () => (world.of("a").facts?.notAfter ?? 0) > first, 1000);
  assert.deepEqual([world.of("a").request.failures, world.of("a").request.trouble], [0, undefined]);
  assert.equal(world.of("unused").request.renewedAt, undefined);
  await world.stop();
});

test("[CE7] who asks for a renewal gets one, at once, of a certificate that nobody shows, too", async () => {
  const world = await new World().start();
  await world.listen(80);
  await world.put("a");
  await world.issued("a");
  const { certificate } = world.of("a");
  await world.transact((tx) => requestRenewal(tx, world.of("a")));
  await world.until("there is another", () => world.of("a").certificate !== certificate);
  await world.clock.pass(10 * MINUTE);
  assert.deepEqual([world.acme.orders, world.of("a").request.renewNow], [2, undefined]);
  await world.stop();
});

test("[CE8] TXT records are removed, also of a certificate that was deleted; a hook program that fails is called three times", async () => {
  const world = await new World().start();
  world.acme.disturb = (call) => {
    if (call === "answer") throw new AcmeError("cannot be reached");
  };
  await world.put("a", { validation: "DNS", names: ["a.example", "*.a.example"] });
  await world.until("both are set", () => world.records.size === 2);
  await world.transact((tx) => tx.certificates.delete(arnOf("a")));
  await world.until(
    "both are removed",
    () => world.records.size === 0 && world.store.view.validationRecords.size === 0,
  );
  world.acme.disturb = () => {};
  let cleanups = 0;
  world.hookComplaint = (action) => (action === "cleanup" && ++cleanups > 0 ? "no" : undefined);
  await world.put("b", { validation: "DNS" });
  await world.issued("b");
  await world.until("it is left", () => world.store.view.validationRecords.size === 0, 1000);
  assert.deepEqual([cleanups, world.records.size], [3, 1]);
  world.hookComplaint = () => "hook present _acme-challenge.c.example ended with code 1: no such zone";
  await world.put("c", { validation: "DNS" });
  await world.until("it says why", () => world.of("c").request.failures === 1);
  assert.match(world.of("c").request.trouble?.message ?? "", /no such zone/);
  await world.stop();
});

test("[CE2] local names are issued by one authority, whose root is published, also by the next process", async () => {
  const world = await new World().start();
  for (const id of ["a", "b"]) await world.put(id, { names: [`${id}.localhost`], validation: "LOCAL" });
  await world.issued("a");
  await world.issued("b");
  const root = new X509Certificate(world.root);
  for (const id of ["a", "b"]) assert.ok(new X509Certificate(world.of(id).certificate ?? "").verify(root.publicKey));
  assert.equal(world.of("a").chain, world.root);
  world.root = "";
  await world.restart();
  assert.equal(new X509Certificate(world.root).fingerprint256, root.fingerprint256);
  await world.listen(443, "a");
  const first = world.of("a").facts?.notAfter;
  await world.goTo((first ?? 0) - 30 * DAY);
  await world.until("it is renewed", () => world.of("a").facts?.notAfter !== first, 1000);
  assert.ok(new X509Certificate(world.of("a").certificate ?? "").verify(root.publicKey));
  assert.deepEqual(world.acme.calls, []);
  await world.stop();
});

test("[CE3] the ACME server is told to look when the listeners answer, or after ten seconds", async () => {
  const world = await new World().start();
  await world.listen(80);
  world.isServed = false;
  await world.put("a");
  await world.until("it is ordered", () => world.of("a").request.order !== undefined);
  const startedAt = world.of("a").request.order?.startedAt ?? 0;
  await world.clock.pass(5000);
  assert.ok(!world.acme.calls.includes("answer"));
  await world.until("it was told all the same", () => world.acme.calls.includes("answer"));
  assert.ok(world.clock.now() - startedAt >= 10_000);
  await world.issued("a");
  await world.stop();
});

test("[CE5] a certificate for other names or for another key is not taken, and the old one stays", async () => {
  const world = await new World().start();
  await world.listen(80);
  await world.put("a", { names: ["a.example", "b.example"] });
  await world.issued("a");
  const { certificate } = world.of("a");
  const other = await newPrivateKey("EC_prime256v1");
  for (const [issueFor, why] of [
    [() => ({ names: ["a.example"], key: other }), /issued a certificate without b\.example/],
    [(names: readonly string[]) => ({ names, key: other }), /issued a certificate for another key/],
  ] as const) {
    world.acme.issueFor = issueFor;
    await world.transact((tx) => requestRenewal(tx, world.of("a")));
    await world.until("it is refused", () => why.test(world.of("a").request.trouble?.message ?? ""));
    assert.deepEqual([world.of("a").certificate, world.of("a").request.order], [certificate, undefined]);
  }
  await world.stop();
});
