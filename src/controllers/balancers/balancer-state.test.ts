import assert from "node:assert/strict";
import { test } from "node:test";
import type { CertificateMaterial, CertificateRecord } from "../../model/certificate.ts";
import type {
  ListenerRecord,
  ListenerRuleRecord,
  LoadBalancerRecord,
  TargetGroupRecord,
} from "../../model/load-balancer.ts";
import { SSL_POLICIES } from "../../model/ssl-policy.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { MemoryDisk, MemoryJournal, openStore, SCHEMA } from "../../store/index.ts";
import type { CertificateArn, ListenerArn, ListenerRuleArn, LoadBalancerArn, TargetGroupArn } from "../../wire/arn.ts";
import { balancerState } from "./balancer-state.ts";

const owner: LoadBalancerRecord = {
  arn: "lb" as LoadBalancerArn,
  name: "web",
  type: "application",
  scheme: "internal",
  ipAddressType: "ipv4",
  subnets: [],
  securityGroups: [],
  address: "127.0.0.1",
  attributes: {},
  tags: {},
  createdAt: 0,
};

const listener: ListenerRecord = {
  arn: "ls" as ListenerArn,
  loadBalancerArn: owner.arn,
  protocol: "HTTPS",
  port: 443,
  certificateArn: "a" as CertificateArn,
  extraCertificateArns: ["b" as CertificateArn],
  sslPolicy: "ELBSecurityPolicy-2016-08",
  defaultActions: [{ Type: "fixed-response", FixedResponseConfig: { StatusCode: "404", MessageBody: "no" } }],
  defaultRuleArn: "rule" as ListenerRuleArn,
  attributes: {},
  tags: {},
  createdAt: 0,
};

const rule = (id: string, given: Partial<ListenerRuleRecord>): ListenerRuleRecord => ({
  arn: id as ListenerRuleArn,
  listenerArn: listener.arn,
  loadBalancerArn: owner.arn,
  priority: 1,
  conditions: [{ Field: "path-pattern", PathPatternConfig: { Values: ["/a"] } }],
  actions: listener.defaultActions,
  tags: {},
  createdAt: 0,
  ...given,
});

const group: TargetGroupRecord = {
  arn: "tg" as TargetGroupArn,
  name: "web",
  protocol: "HTTP",
  protocolVersion: "HTTP1",
  port: 80,
  targetType: "ip",
  healthCheck: {
    enabled: true,
    protocol: "HTTP",
    port: "traffic-port",
    path: "/",
    intervalSeconds: 30,
    timeoutSeconds: 5,
    healthyThreshold: 5,
    unhealthyThreshold: 2,
    matcher: { HttpCode: "200" },
  },
  attributes: {},
  tags: {},
  createdAt: 0,
};

const certificate = (arn: string) =>
  ({ arn, certificate: `cert ${arn}`, chain: "chain", sealedPrivateKey: `sealed ${arn}` }) as CertificateRecord;

async function stateWith(given: {
  readonly listener?: Partial<ListenerRecord>;
  readonly rules?: readonly ListenerRuleRecord[];
  readonly owner?: Record<string, string>;
  readonly group?: Partial<TargetGroupRecord>;
  readonly broken?: string;
  readonly certificates?: readonly CertificateRecord[];
}) {
  const journal = new MemoryJournal({ disk: new MemoryDisk(), clock: systemClock() });
  const store = await openStore({ schema: SCHEMA, journal, log: silentLog() });
  await store.transact("arrange", (tx) => {
    tx.loadBalancers.put({ ...owner, attributes: given.owner ?? {} });
    if (given.group !== undefined) tx.targetGroups.put({ ...group, ...given.group });
    tx.listeners.put({ ...listener, ...given.listener });
    for (const one of given.rules ?? []) tx.listenerRules.put(one);
    for (const arn of ["a", "b", "unused"]) tx.certificates.put(certificate(arn));
    for (const record of given.certificates ?? []) tx.certificates.put(record);
    return undefined;
  });
  const unusable: string[] = [];
  const open = ({ arn, sealedPrivateKey }: CertificateRecord & CertificateMaterial) => {
    if (arn === given.broken) throw new Error("changed");
    return sealedPrivateKey.replace("sealed", "key");
  };
  return { state: balancerState(store.view, open, ({ arn }) => unusable.push(arn)), unusable };
}

test("an HTTPS listener speaks its policy's TLS with its certificates, and no other certificate is handed out", async () => {
  const { state } = await stateWith({});
  assert.deepEqual(state.certificates, [
    { id: "a", certificates: "cert a\nchain", privateKey: "key a" },
    { id: "b", certificates: "cert b\nchain", privateKey: "key b" },
  ]);
  const [made] = state.listeners;
  assert.equal(made?.protocol, "HTTP");
  assert.deepEqual(made?.tls?.certificateIds, ["a", "b"]);
  assert.deepEqual(made?.tls?.alpn, ["h2", "http/1.1"]);
  const { minVersion, maxVersion, ciphers, cipherSuites } = made?.tls?.policy ?? {};
  assert.deepEqual([minVersion, maxVersion, cipherSuites], ["TLSv1.0", "TLSv1.2", ""]);
  assert.match(ciphers ?? "", /^ECDHE-ECDSA-AES128-GCM-SHA256:.*:AES256-SHA:@SECLEVEL=0$/);
});

test("challenges are answered where a certificate is validated over HTTP, and none is looked for elsewhere", async () => {
  assert.equal((await stateWith({})).state.challenges, undefined);
  const requested = (arn: string, validation: "HTTP" | "DNS", tokens?: string[]) => {
    const challenges = tokens?.map((token) => ({ name: "a.example", url: "u", token, answer: `${token}.thumb` }));
    return { arn, request: { validation, order: challenges && { challenges } } } as unknown as CertificateRecord;
  };
  const by = requested("d", "DNS", ["x"]);
  assert.equal((await stateWith({ certificates: [by] })).state.challenges, undefined);
  assert.deepEqual((await stateWith({ certificates: [by, requested("h", "HTTP")] })).state.challenges, []);
  const { state } = await stateWith({ certificates: [requested("h", "HTTP", ["t", "u"]), by] });
  assert.deepEqual(state.challenges, [
    { token: "t", answer: "t.thumb" },
    { token: "u", answer: "u.thumb" },
  ]);
});

test("a listener whose certificate is not issued yet is left out", async () => {
  const pending = { arn: "p", request: { validation: "HTTP" } } as unknown as CertificateRecord;
  const { state, unusable } = await stateWith({ certificates: [pending], listener: { certificateArn: "p" as never } });
  assert.deepEqual([state.listeners, unusable], [[], []]);
});

test("every policy comes to versions and ciphers of its own", async () => {
  const seen = new Set<string>();
  for (const { name, protocols } of SSL_POLICIES) {
    const { state } = await stateWith({ listener: { sslPolicy: name } });
    const policy = state.listeners[0]?.tls?.policy;
    assert.equal(policy?.maxVersion, protocols.at(-1));
    assert.equal(policy?.cipherSuites === "", !protocols.includes("TLSv1.3"));
    assert.equal(policy?.ciphers === "", !protocols.includes("TLSv1.2"));
    seen.add(JSON.stringify(policy));
  }
  assert.equal(seen.size, SSL_POLICIES.length);
});

test("a certificate whose key cannot be opened is left out, and its listener only if it is the default", async () => {
  const extra = await stateWith({ broken: "b" });
  assert.deepEqual(extra.unusable, ["b"]);
  assert.deepEqual(extra.state.listeners[0]?.tls?.certificateIds, ["a"]);
  const first = await stateWith({ broken: "a" });
  assert.deepEqual([first.unusable, first.state.listeners], [["a"], []]);
});

test("rules are in the order of their priorities, with what each of them says", async () => {
  const forward = {
    Type: "forward" as const,
    ForwardConfig: {
      TargetGroups: [
        { TargetGroupArn: "blue", Weight: 90 },
        { TargetGroupArn: "green", Weight: 10 },
      ],
      TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 60 },
    },
  };
  const redirect = {
    Type: "redirect" as const,
    RedirectConfig: {
      Protocol: "HTTPS",
      Host: "#{host}",
      Port: "443",
      Path: "/",
      Query: "",
      StatusCode: "HTTP_301" as const,
    },
  };
  const conditions = [
    { Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "X-A", Values: ["1"] } },
    { Field: "query-string", QueryStringConfig: { Values: [{ Key: "k", Value: "v" }] } },
    { Field: "host-header", HostHeaderConfig: { Values: ["a.test"] } },
    { Field: "http-request-method", HttpRequestMethodConfig: { Values: ["GET"] } },
    { Field: "source-ip", SourceIpConfig: { Values: ["10.0.0.0/8"] } },
  ];
  const { state } = await stateWith({
    rules: [rule("second", { priority: 20, actions: [redirect] }), rule("first", { actions: [forward], conditions })],
  });
  assert.deepEqual(state.listeners[0]?.rules, [
    {
      id: "first",
      conditions: [
        { field: "http-header", name: "X-A", values: ["1"] },
        { field: "query-string", values: [{ key: "k", value: "v" }] },
        { field: "host-header", values: ["a.test"] },
        { field: "http-request-method", values: ["GET"] },
        { field: "source-ip", values: ["10.0.0.0/8"] },
      ],
      action: {
        type: "forward",
        targetGroups: [
          { targetGroupId: "blue", weight: 90 },
          { targetGroupId: "green", weight: 10 },
        ],
        stickinessSeconds: 60,
      },
    },
    {
      id: "second",
      conditions: [{ field: "path-pattern", values: ["/a"] }],
      action: {
        type: "redirect",
        statusCode: 301,
        protocol: "HTTPS",
        host: "#{host}",
        port: "443",
        path: "/",
        query: "",
      },
    },
  ]);
  assert.deepEqual(state.listeners[0]?.defaultAction, {
    type: "fixed-response",
    statusCode: 404,
    contentType: undefined,
    body: "no",
  });
});

test("attributes of load balancers, listeners and target groups reach the balancer", async () => {
  const forward = [{ Type: "forward" as const, ForwardConfig: { TargetGroups: [{ TargetGroupArn: "tg" }] } }];
  const usual = await stateWith({ listener: { defaultActions: forward }, group: {} });
  assert.equal(usual.state.listeners[0]?.headers?.forwardedFor, "append");
  const [plain] = usual.state.targetGroups;
  assert.deepEqual(
    [plain?.algorithm, plain?.stickiness, plain?.slowStartSeconds, plain?.version, plain?.tls],
    ["round_robin", undefined, undefined, undefined, false],
  );
  const { state } = await stateWith({
    owner: {
      "routing.http.xff_header_processing.mode": "preserve",
      "routing.http.drop_invalid_header_fields.enabled": "true",
      "routing.http2.enabled": "false",
    },
    listener: {
      defaultActions: forward,
      attributes: {
        "routing.http.response.server.enabled": "false",
        "routing.http.response.x_frame_options.header_value": "DENY",
      },
    },
    group: {
      protocol: "HTTPS",
      protocolVersion: "HTTP2",
      attributes: {
        "stickiness.enabled": "true",
        "stickiness.lb_cookie.duration_seconds": "60",
        "slow_start.duration_seconds": "90",
      },
    },
  });
  const [made] = state.listeners;
  const { answers, ...headers } = made?.headers ?? {};
  assert.deepEqual(headers, {
    forwardedFor: "preserve",
    forwardedPort: false,
    dropInvalid: true,
    tlsFacts: false,
    hideServer: true,
  });
  assert.equal(answers?.["X-Frame-Options"], "DENY");
  assert.deepEqual(made?.tls?.alpn, ["http/1.1"]);
  const [one] = state.targetGroups;
  assert.deepEqual(
    [one?.stickiness, one?.slowStartSeconds, one?.version, one?.tls],
    [{ type: "lb_cookie", durationSeconds: 60 }, 90, "http2", true],
  );
});

test("the order in which the store has listeners and groups makes no other configuration", async () => {
  const arns = ["tg/a", "tg/b", "tg/c"];
  const targets = arns.map((arn) => ({ TargetGroupArn: arn, Weight: 1 }));
  const states = await Promise.all(
    [arns, arns.toReversed()].map(async (order) => {
      const journal = new MemoryJournal({ disk: new MemoryDisk(), clock: systemClock() });
      const store = await openStore({ schema: SCHEMA, journal, log: silentLog() });
      await store.transact("arrange", (tx) => {
        tx.loadBalancers.put(owner);
        for (const arn of order) {
          tx.targetGroups.put({ ...group, arn: arn as TargetGroupArn });
          const defaultActions = [{ Type: "forward" as const, ForwardConfig: { TargetGroups: targets } }];
          const plain = { protocol: "HTTP", certificateArn: undefined, extraCertificateArns: undefined } as const;
          tx.listeners.put({
            ...listener,
            ...plain,
            defaultActions,
            arn: `ls/${arn}` as ListenerArn,
          } as ListenerRecord);
        }
      });
      return balancerState(
        store.view,
        () => "",
        () => undefined,
      );
    }),
  );
  assert.deepEqual(
    states[0]?.targetGroups.map(({ id }) => id),
    arns,
  );
  assert.deepEqual(states[0], states[1]);
});
