import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { makeCertificate } from "../../src/api/acm/testing.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** A real ACME server on this machine, with a name server that says whatever it is told. */
export interface Pebble {
  /** What `berth server` is started with to use it: `httpPort` is where it asks for HTTP validation. */
  readonly serverArgs: readonly string[];
  readonly httpPort: number;
  /** The root that has issued everything, PEM. */
  root(): Promise<string>;
  /** The file that holds the hook program up while it is there. */
  readonly holdFile: string;
  /** Lets a name lead to another address of this machine than 127.0.0.1. */
  point(name: string, address: string): Promise<void>;
  /** What the hook program was called with, one call a line. */
  hookCalls(): readonly string[];
  close(): Promise<void>;
}

/** Its own certificate is for localhost; `dir` is made by the caller, who removes it. */
export async function startPebble(dir: string): Promise<Pebble> {
  const ports = { acme: await freePort(), management: await freePort(), http: await freePort() };
  const names = { dns: await freePort(), management: await freePort() };
  const own = makeCertificate(["localhost"]);
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const certificate = file("pebble.pem", own.certificate);
  const settings = {
    listenAddress: `127.0.0.1:${ports.acme}`,
    managementListenAddress: `127.0.0.1:${ports.management}`,
    certificate,
    privateKey: file("pebble.key", own.privateKey),
    httpPort: ports.http,
    tlsPort: ports.http,
    externalAccountBindingRequired: true,
    externalAccountMACKeys: { "key-1": EAB_KEY },
  };
  const config = file("pebble.json", JSON.stringify({ pebble: settings }));
  const log = openSync(join(dir, "pebble.log"), "a");
  const stdio = ["ignore", log, log] as const;
  const none = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
  const dnsArgs = ["-dns01", `127.0.0.1:${names.dns}`, "-management", `127.0.0.1:${names.management}`, ...none];
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0" };
  const children = [
    spawn("pebble-challtestsrv", ["-defaultIPv6", "", ...dnsArgs], { stdio: [...stdio] }),
    spawn("pebble", ["-config", config, "-dnsserver", `127.0.0.1:${names.dns}`], { env, stdio: [...stdio] }),
  ];
  const close = async () => {
    await Promise.all(children.map(end));
  };
  const ca = own.certificate;
  const rootUrl = `https://localhost:${ports.management}/roots/0`;
  try {
    await eventually("pebble answers", 10_000, () => fetchText(rootUrl, ca).catch(() => ""));
    await eventually("its name server answers", 10_000, () =>
      fetch(`http://127.0.0.1:${names.management}/`).then(
        () => true,
        () => false,
      ),
    );
  } catch (error) {
    await close();
    throw error;
  }
  const holdFile = join(dir, "hold");
  const calls = join(dir, "hook-calls");
  writeFileSync(calls, "");
  const hook = file("hook", hookProgram({ calls, holdFile, management: `http://127.0.0.1:${names.management}` }));
  chmodSync(hook, 0o700);
  return {
    httpPort: ports.http,
    holdFile,
    serverArgs: [
      ...["--acme-directory", `https://localhost:${ports.acme}/dir`, "--acme-ca", certificate],
      ...["--acme-eab-kid", "key-1", "--acme-eab-key", EAB_KEY, "--acme-email", "ops@berth.example"],
      ...["--acme-http-port", String(ports.http), "--dns-hook", hook],
    ],
    point: async (name, address) => {
      const body = JSON.stringify({ host: `${name}.`, addresses: [address] });
      await fetch(`http://127.0.0.1:${names.management}/add-a`, { method: "POST", body });
    },
    root: () => fetchText(rootUrl, ca),
    hookCalls: () =>
      readFileSync(calls, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    close,
  };
}

const EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

/** An operator's program as it might be: it waits while it is held up, refuses one name, and tells the name server the rest. */
const hookProgram = (at: { calls: string; holdFile: string; management: string }) => `#!${process.execPath}
const { appendFileSync, existsSync } = require("node:fs");
const [action, name, value] = process.argv.slice(2);
appendFileSync(${JSON.stringify(at.calls)}, [action, name, value].join(" ") + "\\n");
async function main() {
  if (name.includes("refused")) {
    console.error("no zone for " + name);
    process.exit(3);
  }
  while (existsSync(${JSON.stringify(at.holdFile)})) await new Promise((resolve) => setTimeout(resolve, 50));
  const path = action === "present" ? "/set-txt" : "/clear-txt";
  const answer = await fetch(${JSON.stringify(at.management)} + path, {
    method: "POST",
    body: JSON.stringify({ host: name + ".", value }),
  });
  if (!answer.ok) throw new Error("status " + answer.status);
}
main();
`;

function fetchText(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca });
    const sent = request(url, { agent }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      answer.on("end", () => resolve(body));
    });
    sent.on("error", reject);
    sent.end();
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
