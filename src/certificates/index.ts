export { type AcmeClientOptions, createAcmeClient } from "./acme-client.ts";
export {
  type AcmeAccount,
  type AcmeAuthorization,
  type AcmeChallenge,
  AcmeError,
  type AcmeOrder,
  type AcmeProblem,
  type AcmeServer,
} from "./acme-server.ts";
export { certificateBlocks, certificateFacts, UnknownKeyError } from "./certificate-facts.ts";
export { type ChallengeProbe, challengeProbe } from "./challenge-probe.ts";
export { type DnsHook, DnsHookError, dnsHookProgram } from "./dns-hook.ts";
export { type ExternalAccount, keyAuthorization, txtRecord } from "./jose.ts";
export { newPrivateKey, privateKeyText } from "./keys.ts";
export { type Authority, issueLocally, LOCAL_LIFETIME_MS, newAuthority } from "./local-authority.ts";
export { signingRequest } from "./x509.ts";
