import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boundSockets } from "../process/haproxy.ts";
import type { BalancerState, TargetGroupState } from "../state.ts";
import { validateState } from "../validate-state.ts";
import { renderConfiguration, sampleConfiguration, structureOf } from "./configuration.ts";
import { quoteWord } from "./quote-word.ts";

const settings = {
  runtimeAddress: "unix@/var/lib/berth/balancer/runtime.sock",
  serverStateFile: "/var/lib/berth/balancer/servers.state",
  stickyFile: "/var/lib/berth/balancer/sticky.map",
  challengesFile: "/var/lib/berth/balancer/challenges.map",
  weightsFile: "/var/lib/berth/balancer/weights.map",
  certificatesDir: "/var/lib/berth/balancer/certificates",
  handoverAddress: (name: string) => `unix@${name}.sock`,
  user: { name: "haproxy", group: "haproxy" },
};

const web: TargetGroupState = {
  id: "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123456789abcdef",
  protocol: "HTTP",
  algorithm: "round_robin",
  healthCheck: {
    enabled: true,
    protocol: "HTTP",
    port: 9000,
    path: "/health?full=1",
    intervalSeconds: 30,
    timeoutSeconds: 5,
    healthyThreshold: 5,
    unhealthyThreshold: 2,
    matcher: "200-299,301",
  },
  targets: [
    { id: "i-1:32768", address: "10.0.0.1", port: 32768, draining: false },
    { id: "i-2:9000", address: "fd00::2", port: 9000, draining: true },
  ],
};

const state: BalancerState = {
  listeners: [
    {
      id: "http",
      protocol: "HTTP",
      address: "0.0.0.0",
      port: 80,
      idleTimeoutSeconds: 60,
      rules: [],
      defaultAction: { type: "forward", targetGroups: [{ targetGroupId: web.id, weight: 1 }] },
    },
    {
      id: "tcp",
      protocol: "TCP",
      address: "::",
      port: 5432,
      idleTimeoutSeconds: 350,
      rules: [],
      defaultAction: {
        type: "forward",
        targetGroups: [
          { targetGroupId: "blue", weight: 3 },
          { targetGroupId: "green", weight: 1 },
        ],
      },
    },
    {
      id: "closed",
      protocol: "HTTP",
      address: "127.0.0.1",
      port: 81,
      idleTimeoutSeconds: 1.5,
      rules: [],
      defaultAction: { type: "fixed-response", statusCode: 503 },
    },
  ],
  targetGroups: [
    web,
    ...["blue", "green"].map(
      (id): TargetGroupState => ({
        id,
        protocol: "TCP",
        algorithm: "least_outstanding_requests",
        healthCheck: { ...web.healthCheck, protocol: "TCP", port: "traffic-port" },
        targets: [],
      }),
    ),
  ],
};

const structure = (of: BalancerState) => structureOf(sampleConfiguration(of, settings));

test("HTTP listeners look for challenges only where there may be some, before their rules, and another one is no reload", () => {
  const answering = (...challenges: { token: string; answer: string }[]) => ({ ...state, challenges });
  const text = renderConfiguration(answering(), new Map(), settings, "");
  const lines = text.match(/^ {2}http-request return status 200 .*challenges\.map.*$/gm) ?? [];
  assert.equal(lines.length, 4, "the two HTTP listeners, each for clients and for retired workers");
  assert.ok(!renderConfiguration(state, new Map(), settings, "").includes("challenges"));
  assert.equal(structure(answering({ token: "a", answer: "a.b" })), structure(answering()));
  assert.notEqual(structure(answering()), structure(state));
});

const GOLDEN = `# Written by Berth. It is written anew at every change of a listener or target group.
global
  description "berth 7 abc"
  stats socket "unix@/var/lib/berth/balancer/runtime.sock" mode 600 level admin nice -1024
  stats timeout 1h
  server-state-file "/var/lib/berth/balancer/servers.state"
  fd-hard-limit 65536
  hard-stop-after 1h
  mworker-max-reloads 20
  max-spread-checks 100
.if feature(OPENSSL)
  httpclient.ssl.verify none
.endif
  user "haproxy"
  group "haproxy"

ring traffic
  format priority
  maxlen 3072
  size 1048576

defaults
  load-server-state-from-file global
  timeout connect 1s
  timeout queue 5s
  retries 3
  option redispatch 1

frontend ls.http
  mode http
  bind 0.0.0.0:80
  timeout client 60000ms
  timeout http-request 60000ms
  timeout http-keep-alive 60000ms
  option idle-close-on-response
  log ring@traffic len 3072 format priority local0 info
  log-format "answer ls.http %b %s %Tr"
  http-request set-log-level silent if { fe_req_rate gt 66 }
  http-request set-log-level notice if { rand(32) eq 0 } { fe_req_rate gt 66 } { fe_req_rate le 2112 }
  http-request set-log-level warning if { rand(512) eq 0 } { fe_req_rate gt 2112 }
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port 80
  use_backend handover.e0603c499aae if { stopping }
  default_backend tg.arn_3aaws_3aelasticloadbalancing_3aus-east-1_3a000000000000_3atargetgroup_2fweb_2f0123456789abcdef

frontend handover.e0603c499aae
  mode http
  bind "unix@handover-e0603c499aae.sock" user "haproxy" mode 600 accept-proxy
  timeout client 60000ms
  log ring@traffic len 3072 format priority local0 info
  log-format "answer ls.http %b %s %Tr"
  http-request set-log-level silent if { fe_req_rate gt 66 }
  http-request set-log-level notice if { rand(32) eq 0 } { fe_req_rate gt 66 } { fe_req_rate le 2112 }
  http-request set-log-level warning if { rand(512) eq 0 } { fe_req_rate gt 2112 }
  default_backend tg.arn_3aaws_3aelasticloadbalancing_3aus-east-1_3a000000000000_3atargetgroup_2fweb_2f0123456789abcdef

backend handover.e0603c499aae
  mode http
  timeout server 60000ms
  timeout tunnel 60000ms
  http-reuse never
  server current "unix@handover-e0603c499aae.sock" send-proxy-v2

frontend ls.tcp
  mode tcp
  bind [::]:5432
  timeout client 350000ms
  tcp-request connection set-var(sess.draw) rand(1000000)
  use_backend tg.blue if { str(r1800e4308aff.0),map_str_int(/var/lib/berth/balancer/weights.map,0),sub(sess.draw) -m int gt 0 }
  use_backend tg.green if { str(r1800e4308aff.1),map_str_int(/var/lib/berth/balancer/weights.map,0),sub(sess.draw) -m int gt 0 }

frontend ls.closed
  mode http
  bind 127.0.0.1:81
  timeout client 1500ms
  timeout http-request 1500ms
  timeout http-keep-alive 1500ms
  option idle-close-on-response
  log ring@traffic len 3072 format priority local0 info
  log-format "answer ls.closed %b %s %Tr"
  http-request set-log-level silent if { fe_req_rate gt 66 }
  http-request set-log-level notice if { rand(32) eq 0 } { fe_req_rate gt 66 } { fe_req_rate le 2112 }
  http-request set-log-level warning if { rand(512) eq 0 } { fe_req_rate gt 2112 }
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port 81
  http-request allow if { stopping }
  http-request return status 503
  use_backend handover.c3eefb58d7c4 if { stopping }

frontend handover.c3eefb58d7c4
  mode http
  bind "unix@handover-c3eefb58d7c4.sock" user "haproxy" mode 600 accept-proxy
  timeout client 1500ms
  log ring@traffic len 3072 format priority local0 info
  log-format "answer ls.closed %b %s %Tr"
  http-request set-log-level silent if { fe_req_rate gt 66 }
  http-request set-log-level notice if { rand(32) eq 0 } { fe_req_rate gt 66 } { fe_req_rate le 2112 }
  http-request set-log-level warning if { rand(512) eq 0 } { fe_req_rate gt 2112 }
  http-request return status 503

backend handover.c3eefb58d7c4
  mode http
  timeout server 1500ms
  timeout tunnel 1500ms
  http-reuse never
  server current "unix@handover-c3eefb58d7c4.sock" send-proxy-v2

backend tg.arn_3aaws_3aelasticloadbalancing_3aus-east-1_3a000000000000_3atargetgroup_2fweb_2f0123456789abcdef
  mode http
  balance roundrobin
  timeout server 60000ms
  timeout tunnel 60000ms
  option allbackups
  http-reuse safe
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless { method GET HEAD OPTIONS }
  timeout check 5000ms
  option httpchk
  http-check send meth GET uri "/health?full=1" ver HTTP/1.1 hdr Host "%[bc_dst]:%[bc_dst_port]" hdr User-Agent "ELB-HealthChecker/2.0 (Berth)"
  http-check expect status 200-299,301
  server i-1_3a32768:10.0.0.1:32768:t:0 10.0.0.1:32768 weight 1 pool-max-conn -1 pool-purge-delay 5s check inter 30000ms fastinter 30000ms downinter 1000ms rise 5 fall 2 port 9000 observe layer4 error-limit 3 on-error mark-down
  server i-1_3a32768:10.0.0.1:32768:t:0:open 10.0.0.1:32768 weight 1 pool-max-conn -1 pool-purge-delay 5s backup
  server i-2_3a9000:fd00_3a_3a2:9000:t:1 [fd00::2]:9000 weight 1 pool-max-conn -1 pool-purge-delay 5s check inter 30000ms fastinter 30000ms downinter 1000ms rise 5 fall 2 observe layer4 error-limit 3 on-error mark-down
  server i-2_3a9000:fd00_3a_3a2:9000:t:1:open [fd00::2]:9000 weight 1 pool-max-conn -1 pool-purge-delay 5s backup

backend tg.blue
  mode tcp
  balance leastconn
  timeout server 350000ms
  timeout tunnel 350000ms
  option allbackups
  timeout check 5000ms

backend tg.green
  mode tcp
  balance leastconn
  timeout server 350000ms
  timeout tunnel 350000ms
  option allbackups
  timeout check 5000ms
`;

const servers = new Map([
  [
    web.id,
    [
      { name: "i-1_3a32768:10.0.0.1:32768:t:0", targetId: "i-1:32768" },
      { name: "i-2_3a9000:fd00_3a_3a2:9000:t:1", targetId: "i-2:9000" },
      { name: "gone:10.0.0.9:1:t:0", targetId: "gone" },
    ],
  ],
]);

test("the configuration for a state is exactly this one", () => {
  validateState(state);
  assert.equal(renderConfiguration(state, servers, settings, "berth 7 abc"), GOLDEN);
});

test("the sockets that a configuration binds are read back from it", () => {
  assert.deepEqual(
    [...boundSockets(GOLDEN)],
    [
      ["ls.http", "0.0.0.0:80"],
      ["ls.tcp", "[::]:5432"],
      ["ls.closed", "127.0.0.1:81"],
    ],
  );
});

test("the structure is the same for other targets and other weights, and another for anything else", () => {
  const same = { ...state, targetGroups: state.targetGroups.map((group) => ({ ...group, targets: [] })) };
  assert.equal(structure(same), structure(state));
  const shifted = structuredClone(state) as unknown as {
    listeners: { defaultAction: { targetGroups?: { weight: number }[] } }[];
  };
  shifted.listeners[1]!.defaultAction.targetGroups![1]!.weight = 500;
  assert.equal(structure(shifted as unknown as BalancerState), structure(state));
  const others: BalancerState[] = [
    { ...state, listeners: state.listeners.slice(1) },
    { ...state, listeners: state.listeners.map((listener) => ({ ...listener, port: listener.port + 1 })) },
    { ...state, targetGroups: [...state.targetGroups, { ...web, id: "more" }] },
    {
      ...state,
      targetGroups: state.targetGroups.map((g) => ({ ...g, healthCheck: { ...g.healthCheck, intervalSeconds: 5 } })),
    },
    { ...state, targetGroups: state.targetGroups.map((g) => ({ ...g, healthCheck: { ...g.healthCheck, port: 1 } })) },
  ];
  for (const other of others) assert.notEqual(structure(other), structure(state));
});

test("no id or path, whatever is in it, adds a line or a word to the configuration", () => {
  const anyText = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  const shape = (text: string) => text.split("\n").map((line) => line.trim().split(" ").length);
  const render = (id: string, path: string) => {
    const group = { ...web, id, healthCheck: { ...web.healthCheck, path } };
    const defaultAction = { type: "forward", targetGroups: [{ targetGroupId: id, weight: 1 }] } as const;
    const one = { listeners: [{ ...state.listeners[0]!, id, defaultAction }], targetGroups: [group] };
    validateState(one);
    return renderConfiguration(one, new Map(), settings, "d");
  };
  const expected = shape(render("id", "/path"));
  const printable = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) });
  fc.assert(
    fc.property(anyText, printable, (id, path) => {
      fc.pre(id.length <= 255);
      assert.deepEqual(shape(render(id, `/${path}`)), expected);
    }),
  );
});

test("a quoted word keeps what HAProxy would read as its own", () => {
  assert.equal(quoteWord('a"b\\c$HOME#d e'), '"a\\"b\\\\c\\$HOME#d e"');
  assert.equal(quoteWord("a\nb\tc"), '"a\\nb\\tc"');
  assert.throws(() => quoteWord("a\0b"), /control character/);
});
