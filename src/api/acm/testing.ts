import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate made for a test, as PEM. */
export interface MadeCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Makes a certificate for `names` with OpenSSL, valid for two days: issued by `issuer`, else by itself. */
export function makeCertificate(
  names: readonly string[],
  options: { readonly issuer?: MadeCertificate; readonly key?: "ec" | "rsa" | "rsa1024" } = {},
): MadeCertificate {
  const dir = mkdtempSync(join(tmpdir(), "berth-certificate-"));
  const file = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
  try {
    const key = options.key ?? "ec";
    const kind =
      key === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] : [`rsa:${key === "rsa" ? 2048 : 1024}`];
    const names_ = `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
    const request = ["req", "-newkey", ...kind, "-nodes", "-subj", `/CN=${names[0]}`, "-keyout", file("key")];
    if (options.issuer === undefined)
      openssl(...request, "-x509", "-days", "2", "-addext", names_, "-out", file("cert"));
    else {
      openssl(...request, "-out", file("request"));
      writeFileSync(file("issuer"), `${options.issuer.certificate}\n${options.issuer.privateKey}`);
      writeFileSync(file("extensions"), names_);
      const sign = ["x509", "-req", "-in", file("request"), "-CA", file("issuer"), "-CAcreateserial", "-days", "2"];
      openssl(...sign, "-extfile", file("extensions"), "-out", file("cert"));
    }
    const read = (name: string) => readFileSync(file(name), "utf8").trim();
    return { certificate: read("cert"), privateKey: read("key") };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
