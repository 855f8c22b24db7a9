import type { CertificateRequest, RequestedKeyAlgorithm } from "../../model/certificate.ts";
import { isDomainName, isLocalName, isWildcard, withoutWildcard } from "../../model/domain-name.ts";
import type { RequestTokenRecord } from "../../model/request-token.ts";
import type { Instant } from "../../runtime/clock.ts";
import { requestRenewal } from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";
import { certificateArn } from "../../wire/arn.ts";
import type { AcmOperations } from "../../wire/models/acm.ts";
import type { CertificateFacts } from "../context.ts";
import { parametersDigest } from "../parameters-digest.ts";
import { firstRefused, nameOf } from "../refused-member.ts";
import { AcmError, invalidParameter, MAX_CERTIFICATES, notIssued, validationError } from "./errors.ts";
import { certificateOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { REQUEST_CERTIFICATE_REFUSED } from "./request-refusals.ts";
import { tagsFrom } from "./tags.ts";

type Input = AcmOperations["RequestCertificate"]["input"];

/** How many names a certificate may have. Source: ACM quotas (100 after a raise); Let's Encrypt takes as many. */
const MAX_NAMES = 100;

/** How long a call with the same IdempotencyToken is the same request. Source: ACM API reference, RequestCertificate. */
const TOKEN_LIFETIME_MS = 60 * 60 * 1000;

/** Records the wish for a certificate. The loop for certificates has it issued. */
export const requestCertificate: Operation<"RequestCertificate"> = async (context, input) => {
  const { store, clock, random, scope, certificates } = context;
  const refused = firstRefused(REQUEST_CERTIFICATE_REFUSED, input);
  if (refused !== undefined) {
    const hint = refused.hint === undefined ? "" : ` ${refused.hint}`;
    throw invalidParameter(`Berth does not carry out ${nameOf(refused)}.${hint}`);
  }
  const names = namesOf(input);
  const validation = validationOf(input, names, certificates);
  if (validation === "LOCAL" && input.Options?.CertificateTransparencyLoggingPreference === "ENABLED")
    throw invalidParameter("Certificates for local names are in no public log.");
  const now = clock.now();
  const arn = certificateArn(scope, { certificateId: random.uuid() });
  const token = tokenOf(input);
  const tags = tagsFrom({}, input.Tags ?? []);
  return store.transact("RequestCertificate", (tx) => {
    const before = token === undefined ? undefined : requestedBefore(tx, token, now);
    if (before !== undefined) return { CertificateArn: before };
    if (tx.certificates.size >= MAX_CERTIFICATES)
      throw new AcmError("LimitExceededException", `An account may have at most ${MAX_CERTIFICATES} certificates.`);
    const keyAlgorithm = (input.KeyAlgorithm ?? "RSA_2048") as RequestedKeyAlgorithm;
    const request: CertificateRequest = { names, validation, keyAlgorithm, status: "PENDING_VALIDATION", failures: 0 };
    tx.certificates.put({ arn, tags, createdAt: now, request });
    if (token !== undefined) tx.requestTokens.put({ ...token, resourceArns: [arn], createdAt: now });
    return { CertificateArn: arn };
  });
};

/** Each name once, the domain name first. Throws InvalidParameter. */
function namesOf({ DomainName: domainName = "", SubjectAlternativeNames: others = [] }: Input): string[] {
  const names = [...new Set([domainName, ...others].map((name) => name.toLowerCase()))];
  for (const name of names)
    if (!isDomainName(name)) throw invalidParameter(`'${name}' is not a domain name such as www.example.com.`);
  if (names.length > MAX_NAMES) throw invalidParameter(`A certificate may have at most ${MAX_NAMES} names.`);
  return names;
}

/**
 * Local names are issued by the local authority, unless there is an ACME server and the call says how it is to validate them: one
 * of one's own may issue for them, too. Throws InvalidParameter where there is nobody to issue, or no way to validate.
 */
function validationOf(
  { ValidationMethod: method }: Input,
  names: readonly string[],
  { hasAcmeServer, hasDnsHook }: CertificateFacts,
): CertificateRequest["validation"] {
  const isLocal = names.every(isLocalName);
  if (isLocal && (method === undefined || !hasAcmeServer)) {
    const broad = names.find((name) => isWildcard(name) && !withoutWildcard(name).includes("."));
    if (broad === undefined) return "LOCAL";
    throw invalidParameter(
      `Clients accept no wildcard as wide as '${broad}'. Give each name, or use '*.app${broad.slice(1)}'.`,
    );
  }
  const isPublic = names.find((name) => !isLocalName(name)) ?? "";
  if (!hasAcmeServer) {
    const start = "Start the server with --acme-directory URL, such as https://acme-v02.api.letsencrypt.org/directory";
    throw invalidParameter(
      `There is nobody to issue a certificate for '${isPublic}'. ${start}; or use ImportCertificate.`,
    );
  }
  if (method === "DNS") {
    if (hasDnsHook) return "DNS";
    throw invalidParameter(
      "DNS validation needs a program that sets TXT records. Start the server with --dns-hook PROGRAM, or use HTTP validation.",
    );
  }
  const wildcard = names.find(isWildcard);
  if (wildcard !== undefined)
    throw invalidParameter(`'${wildcard}' is a wildcard, which only DNS validation can prove.`);
  return "HTTP";
}

type Token = Pick<RequestTokenRecord, "key" | "parametersDigest">;

function tokenOf({ IdempotencyToken: token, ...parameters }: Input): Token | undefined {
  if (token === undefined) return undefined;
  return { key: `RequestCertificate/${token}`, parametersDigest: parametersDigest(parameters) };
}

/** The certificate of an earlier call with the token, if that was not long ago and it is there still. */
function requestedBefore(tx: BerthTransaction, token: Token, now: Instant): string | undefined {
  const known = tx.requestTokens.get(token.key);
  const [arn = ""] = known?.resourceArns ?? [];
  if (known === undefined || now >= known.createdAt + TOKEN_LIFETIME_MS) return undefined;
  if (tx.certificates.get(arn) === undefined) return undefined;
  if (known.parametersDigest === token.parametersDigest) return arn;
  throw invalidParameter("The IdempotencyToken was used before with other parameters.");
}

/** Has a requested certificate renewed now, whether it is due or not. */
export const renewCertificate: Operation<"RenewCertificate"> = async (context, input) => {
  await context.store.transact("RenewCertificate", (tx) => {
    const found = certificateOf(context, tx, input.CertificateArn);
    if (found.request === undefined)
      throw validationError(`Certificate ${found.arn} was imported: import another one under its ARN.`);
    if (found.request.status === "PENDING_VALIDATION") throw notIssued(found.arn);
    if (found.request.status !== "ISSUED")
      throw validationError(`Certificate ${found.arn} is ${found.request.status}: request another one.`);
    requestRenewal(tx, found);
  });
};
