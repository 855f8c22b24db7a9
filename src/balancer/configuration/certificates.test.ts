import assert from "node:assert/strict";
import { test } from "node:test";
import type { BalancerState, ListenerState } from "../state.ts";
import {
  bindLines,
  certificateCommands,
  certificateFiles,
  parseCertificates,
  parseList,
  wantedCertificates,
} from "./certificates.ts";

const pem = (id: string, size = 10) => ({
  id,
  certificates: `cert ${id}\r\n\r\nchain\n`,
  privateKey: "k".repeat(size),
});

function stateOf(shown: readonly string[], ...certificates: ReturnType<typeof pem>[]): BalancerState {
  const listener: ListenerState = {
    id: "web",
    protocol: "HTTP",
    address: "127.0.0.1",
    port: 443,
    idleTimeoutSeconds: 60,
    tls: {
      certificateIds: shown,
      policy: { minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: "A:B", cipherSuites: "C" },
      alpn: ["h2", "http/1.1"],
    },
    rules: [],
    defaultAction: { type: "fixed-response", statusCode: 200 },
  };
  return { listeners: [listener], targetGroups: [], certificates };
}

const [a, b, c] = [pem("a"), pem("b"), pem("c")] as const;
const wanted = (...args: Parameters<typeof stateOf>) => wantedCertificates(stateOf(...args), "/d");
const pathOf = (id: string) => [...wanted([id], pem(id)).texts.keys()][0] ?? "";
const list = [...wanted(["a"], a).lists.keys()][0] ?? "";
const texts = (...args: Parameters<typeof certificateCommands>) =>
  certificateCommands(...args).commands.map(({ text }) => text);

test("the files for a start hold each certificate with its chain and key, and each listener's list", () => {
  const files = certificateFiles(wanted(["b", "a"], a, b, c));
  assert.deepEqual(
    files,
    new Map([
      [pathOf("b"), "cert b\nchain\nkkkkkkkkkk\n"],
      [pathOf("a"), "cert a\nchain\nkkkkkkkkkk\n"],
      [list, `${pathOf("b")}\n${pathOf("a")}\n`],
    ]),
  );
});

test("a listener's bind names its list, and its default certificate in a remark", () => {
  const state = stateOf(["a", "b"], a, b);
  assert.deepEqual(bindLines(state, state.listeners[0]!, "/d"), [
    `  # certificates: ${pathOf("a")}`,
    `  bind 127.0.0.1:443 ssl crt-list ${list} ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3 ciphers "A:B" ciphersuites "C" alpn h2,http/1.1`,
  ]);
});

test("a certificate that is added, changed or removed costs commands, and what is as it should be costs none", () => {
  const before = wanted(["a", "b"], a, b);
  assert.deepEqual(texts(before, before), []);
  const path = pathOf("c");
  const added = certificateCommands(before, wanted(["a", "b", "c"], a, b, c));
  assert.deepEqual(
    added.commands.map(({ text }) => text),
    [`new ssl cert ${path}`, `set ssl cert ${path}`, `commit ssl cert ${path}`, `add ssl crt-list ${list} ${path}`],
  );
  assert.equal(added.commands[1]?.payload, "cert c\nchain\nkkkkkkkkkk");
  assert.deepEqual(texts(added.after, wanted(["a", "b", "c"], a, b, c)), []);
  const changed = { ...a, privateKey: "other" };
  assert.deepEqual(texts(before, wanted(["a", "b"], changed, b)), [
    `set ssl cert ${pathOf("a")}`,
    `commit ssl cert ${pathOf("a")}`,
  ]);
  assert.deepEqual(texts(before, wanted(["a"], a, b)), [
    `del ssl crt-list ${list} ${pathOf("b")}`,
    `del ssl cert ${pathOf("b")}`,
  ]);
});

test("what no command can do is left to the reload that the configuration's text brings about", () => {
  const before = wanted(["a", "b"], a, b);
  assert.deepEqual(texts(before, wanted(["b", "a"], a, b)), [], "another default certificate");
  assert.deepEqual(texts({ contents: new Map(), lists: new Map() }, before), [], "a listener that is not there yet");
  const large = { ...a, privateKey: "k".repeat(16_000) };
  assert.deepEqual(texts(before, wanted(["a", "b"], large, b)), [], "one too large for a command");
  const bind = (one: typeof a) => bindLines(stateOf(["a"], one), stateOf(["a"], one).listeners[0]!, "/d").join();
  assert.notEqual(bind(large), bind(a));
  assert.notEqual(bind({ ...large, privateKey: "j".repeat(16_000) }), bind(large));
  assert.equal(bind({ ...a, privateKey: "other" }), bind(a));
});

test("HAProxy's answers are read", () => {
  assert.deepEqual(parseCertificates("# transaction\n*/d/a.pem\n# filename\n/d/a.pem\n/d/b.pem"), {
    loaded: ["/d/a.pem", "/d/b.pem"],
    unfinished: ["/d/a.pem"],
  });
  assert.deepEqual(parseList("# /d/l.list\n/d/a.pem\n/d/b.pem"), ["/d/a.pem", "/d/b.pem"]);
  assert.equal(parseList("didn't find the specified filename"), undefined);
});
