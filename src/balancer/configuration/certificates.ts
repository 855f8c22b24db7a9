import { createHash, X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { Command } from "../command.ts";
import type { BalancerState, CertificateState, ListenerState } from "../state.ts";
import { quoteWord } from "./quote-word.ts";
import { socketAddress } from "./server-options.ts";

/** The most that HAProxy takes as one payload is 16 KiB; a larger certificate with its chain and key changes by a reload. */
const PAYLOAD_LIMIT_BYTES = 15_000;

/** Certificates and lists of them, by the paths that HAProxy knows them by. */
export interface Certificates {
  /** Path to what stands for the content: equal for equal content. */
  readonly contents: ReadonlyMap<string, string>;
  /** A listener's list to the paths of its certificates, the default first. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const certificatePath = (dir: string, id: string) => join(dir, `${shortHash(id)}.pem`);
const listPath = (dir: string, listenerId: string) => join(dir, `${shortHash(listenerId)}.list`);

/** PEM as HAProxy takes it in one piece: no blank line, which would end a payload, and one line end. */
const pemOf = ({ certificates, privateKey }: CertificateState) =>
  `${certificates}\n${privateKey}`.replaceAll(/[\r\n]+/g, "\n").trim();

/** What certificates the listeners in `state` want, and the text of each by its path. `dir` is where HAProxy finds them. */
export function wantedCertificates(
  state: BalancerState,
  dir: string,
): Certificates & { readonly texts: Map<string, string> } {
  const byId = new Map((state.certificates ?? []).map((certificate) => [certificate.id, certificate]));
  const texts = new Map<string, string>();
  const lists = new Map<string, string[]>();
  for (const { id, tls } of state.listeners) {
    if (tls === undefined) continue;
    lists.set(
      listPath(dir, id),
      tls.certificateIds.map((certificateId) => certificatePath(dir, certificateId)),
    );
    for (const certificateId of tls.certificateIds) {
      const certificate = byId.get(certificateId);
      if (certificate !== undefined) texts.set(certificatePath(dir, certificateId), pemOf(certificate));
    }
  }
  return { texts, lists, contents: new Map([...texts].map(([path, text]) => [path, shortHash(text)])) };
}

/** The files that a starting worker reads. */
export function certificateFiles({ texts, lists }: ReturnType<typeof wantedCertificates>): Map<string, string> {
  const files = new Map([...texts].map(([path, text]) => [path, `${text}\n`]));
  for (const [list, paths] of lists) files.set(list, `${paths.join("\n")}\n`);
  return files;
}

/**
 * A listener's `bind` line, and what of its certificates only a reload can change: the default one, and content that is too
 * large for a command.
 */
export function bindLines(state: BalancerState, listener: ListenerState, dir: string): string[] {
  const socket = socketAddress(listener.address, listener.port);
  const { tls } = listener;
  if (tls === undefined) return [`  bind ${socket}`];
  const [first = ""] = tls.certificateIds;
  const large = (state.certificates ?? []).filter(
    (one) => tls.certificateIds.includes(one.id) && Buffer.byteLength(pemOf(one)) > PAYLOAD_LIMIT_BYTES,
  );
  const { minVersion, maxVersion, ciphers, cipherSuites } = tls.policy;
  const words = [`bind ${socket} ssl crt-list ${listPath(dir, listener.id)}`];
  words.push(`ssl-min-ver ${minVersion} ssl-max-ver ${maxVersion}`);
  if (ciphers !== "") words.push(`ciphers ${quoteWord(ciphers)}`);
  if (cipherSuites !== "") words.push(`ciphersuites ${quoteWord(cipherSuites)}`);
  if (tls.alpn.length > 0) words.push(`alpn ${tls.alpn.join(",")}`);
  return [
    `  # certificates: ${[certificatePath(dir, first), ...large.map((one) => shortHash(pemOf(one)))].join(" ")}`,
    `  ${words.join(" ")}`,
  ];
}

const DONE = /Success!$/;
const CREATED = /^New empty certificate store|already exists/;
const STAGED = /^Transaction (created|updated) for certificate/;
const DELETED = /deleted/;

/**
 * The commands by which HAProxy gets from the certificates it has to those wanted, and what it has then. The first of a list is
 * the listener's default, which no command can change; a list that it does not have comes with a reload.
 */
export function certificateCommands(
  known: Certificates,
  wanted: ReturnType<typeof wantedCertificates>,
): { readonly commands: readonly Command[]; readonly after: Certificates } {
  const lists = new Map([...known.lists].map(([list, paths]) => [list, wantedList(paths, wanted.lists.get(list))]));
  const used = new Set([...lists.values()].flat());
  const commands: Command[] = [];
  const contents = new Map(known.contents);
  for (const [path, text] of wanted.texts) {
    const content = wanted.contents.get(path) ?? "";
    if (!used.has(path) || contents.get(path) === content || Buffer.byteLength(text) > PAYLOAD_LIMIT_BYTES) continue;
    if (!contents.has(path)) commands.push({ text: `new ssl cert ${path}`, accepts: CREATED });
    commands.push({ text: `set ssl cert ${path}`, payload: text, accepts: STAGED });
    commands.push({ text: `commit ssl cert ${path}`, accepts: DONE });
    contents.set(path, content);
  }
  for (const [list, paths] of lists) {
    const before = known.lists.get(list) ?? [];
    for (const path of paths)
      if (!before.includes(path)) commands.push({ text: `add ssl crt-list ${list} ${path}`, accepts: DONE });
    for (const path of before)
      if (!paths.includes(path)) commands.push({ text: `del ssl crt-list ${list} ${path}`, accepts: DELETED });
  }
  for (const path of known.contents.keys()) {
    if (used.has(path)) continue;
    commands.push({ text: `del ssl cert ${path}`, accepts: DELETED });
    contents.delete(path);
  }
  return { commands, after: { contents, lists } };
}

/** What a list can be made by commands: those wanted, if its first is the wanted first. */
function wantedList(has: readonly string[], wanted: readonly string[] | undefined): readonly string[] {
  return wanted === undefined || wanted[0] !== has[0] ? has : wanted;
}

/** The paths in an answer to `show ssl cert`: of those loaded, and of one that a command began to change and did not. */
export function parseCertificates(answer: string): { readonly loaded: string[]; readonly unfinished: string[] } {
  const lines = answer.split("\n").map((line) => line.trim());
  return {
    loaded: lines.filter((line) => line.startsWith("/")),
    unfinished: lines.filter((line) => line.startsWith("*")).map((line) => line.slice(1)),
  };
}

/** The paths in an answer to `show ssl crt-list LIST`, in order; undefined if there is no such list. */
export function parseList(answer: string): string[] | undefined {
  const [head = "", ...lines] = answer.split("\n");
  return head.startsWith("# /") ? lines.filter((line) => line.startsWith("/")).map((line) => line.trim()) : undefined;
}

/** Whether an answer to `show ssl cert PATH` is about the certificate that `pem` begins with. */
export function showsCertificate(answer: string, pem: string): boolean {
  const [, fingerprint = ""] = /^SHA1 FingerPrint: ([0-9A-F]+)$/m.exec(answer) ?? [];
  return new X509Certificate(pem).fingerprint.replaceAll(":", "") === fingerprint;
}
