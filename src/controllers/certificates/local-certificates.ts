import { X509Certificate } from "node:crypto";
import {
  type Authority,
  certificateFacts,
  issueLocally,
  LOCAL_LIFETIME_MS,
  newAuthority,
  privateKeyText,
} from "../../certificates/index.ts";
import type { RequestedCertificate } from "../../model/certificate.ts";
import { issueCertificate } from "../../state/index.ts";
import type { CertificateContext } from "./certificate-issuers.ts";

/** What the authority's key is sealed for. */
const SEALED_FOR = "local-authority";

/** Issues a certificate by the local authority, which is made when there is none yet. */
export async function issueByLocalAuthority(
  context: CertificateContext,
  { arn, request }: RequestedCertificate,
): Promise<void> {
  const { store, clock, random, sealer, log } = context;
  const authority = await localAuthority(context);
  const now = clock.now();
  const { certificate, key } = await issueLocally(authority, request, now, random);
  const material = {
    certificate,
    chain: authority.certificate,
    sealedPrivateKey: sealer.seal(privateKeyText(key), arn),
    facts: certificateFacts(new X509Certificate(certificate)),
  };
  await store.transact("issue-locally", (tx) => issueCertificate(tx, arn, undefined, material, now));
  log.info({ certificate: arn, names: request.names }, "certificate issued by the local authority");
}

/** The authority: another is made in good time before its root ends, and clients must trust that one then. */
async function localAuthority({ store, clock, random, sealer, issuers, log }: CertificateContext): Promise<Authority> {
  const lasts = (root: { readonly notAfter: number } | undefined) =>
    root !== undefined && root.notAfter > clock.now() + LOCAL_LIFETIME_MS;
  if (!lasts(store.view.localAuthorities.get("local"))) {
    const made = await newAuthority(clock.now(), random);
    await store.transact("local-authority", (tx) => {
      if (lasts(tx.localAuthorities.get("local"))) return; // another look made one meanwhile
      const { certificate, privateKey, notAfter } = made;
      const sealedPrivateKey = sealer.seal(privateKey, SEALED_FOR);
      tx.localAuthorities.put({ id: "local", certificate, sealedPrivateKey, notAfter });
    });
    log.info({}, "a local authority was made: trust its root certificate to trust certificates for local names");
  }
  const { certificate = "", sealedPrivateKey = "" } = store.view.localAuthorities.get("local") ?? {};
  issuers.publishRoot(certificate);
  return { certificate, privateKey: sealer.open(sealedPrivateKey, SEALED_FOR) };
}
