import { X509Certificate } from "node:crypto";
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { certificateBlocks, challengeProbe, createAcmeClient, dnsHookProgram } from "./certificates/index.ts";
import type { CertificateIssuers } from "./controllers/index.ts";
import type { Clock } from "./runtime/clock.ts";
import { LOCAL_ROOT_FILE } from "./runtime/data-dir.ts";
import type { ServerSettings } from "./server-settings.ts";

const DAY_MS = 86_400_000;

/** Who issues certificates, as the settings say. Throws naming the setting that cannot be used. */
export function certificateIssuers(settings: ServerSettings, clock: Clock): CertificateIssuers {
  const renewBefore = settings["acme-renew-before"];
  const rootFile = join(settings["data-dir"], LOCAL_ROOT_FILE);
  return {
    acme: acmeOf(settings, clock),
    dnsHook: settings["dns-hook"] === "" ? undefined : dnsHookProgram(programOf(settings["dns-hook"]), clock),
    httpPort: settings["acme-http-port"],
    probe: challengeProbe,
    renewBeforeMs: renewBefore === 0 ? undefined : renewBefore * DAY_MS,
    publishRoot: (certificate) => {
      const text = `${certificate}\n`;
      if (!existsSync(rootFile) || readFileSync(rootFile, "utf8") !== text) writeFileSync(rootFile, text);
    },
  };
}

function acmeOf(settings: ServerSettings, clock: Clock): CertificateIssuers["acme"] {
  const { "acme-directory": directory, "acme-email": email, "acme-ca": ca } = settings;
  const { "acme-eab-kid": keyId, "acme-eab-key": hmacKey } = settings;
  if (directory === "") {
    for (const name of ["acme-email", "acme-ca", "acme-eab-kid", "acme-eab-key"] as const)
      if (settings[name] !== "") throw new Error(`--${name} is for an ACME server: give --acme-directory, too`);
    return undefined;
  }
  if ((keyId === "") !== (hmacKey === ""))
    throw new Error("--acme-eab-kid and --acme-eab-key go together: give both or none");
  // What is wrong with it is not told: it is a secret.
  if (!/^[A-Za-z0-9_-]*=*$/.test(hmacKey)) throw new Error("--acme-eab-key must be in base64url");
  const server = createAcmeClient({
    directory,
    ca: ca === "" ? undefined : rootsIn(ca),
    externalAccount: keyId === "" ? undefined : { keyId, hmacKey },
    clock,
  });
  return { server, email: email === "" ? undefined : email };
}

/** The PEM text of a file of certificates. */
function rootsIn(file: string): string {
  try {
    const blocks = certificateBlocks(readFileSync(file, "utf8"));
    if (blocks.length === 0) throw new Error("it holds no certificate");
    for (const block of blocks) new X509Certificate(block);
    return blocks.join("\n");
  } catch (error) {
    throw new Error(`--acme-ca ${file} cannot be used: ${(error as Error).message}. It must hold certificates as PEM.`);
  }
}

/** A path is made absolute and must be a program; a bare name is looked for on the PATH when it is run. */
function programOf(program: string): string {
  if (!program.includes("/")) return program;
  const path = resolve(program);
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (error) {
    throw new Error(`--dns-hook ${program} cannot be run: ${(error as Error).message}`);
  }
}
