import { createPrivateKey, type KeyObject } from "node:crypto";
import { type AcmeAccount, type AcmeServer, newPrivateKey, privateKeyText } from "../../certificates/index.ts";
import type { Instant } from "../../runtime/clock.ts";
import type { CertificateContext } from "./certificate-issuers.ts";

/** Our account at the ACME server. Its key is durable before the server hears of it, so that no account is ever lost. */
export async function acmeAccount(context: CertificateContext, server: AcmeServer): Promise<AcmeAccount> {
  const { store, sealer, issuers } = context;
  const { directory } = server;
  const email = issuers.acme?.email;
  if (store.view.acmeAccounts.get(directory) === undefined) {
    const sealedPrivateKey = sealer.seal(privateKeyText(await newPrivateKey("EC_prime256v1")), directory);
    await store.transact("acme-account-key", (tx) => {
      if (tx.acmeAccounts.get(directory) === undefined) tx.acmeAccounts.put({ directory, sealedPrivateKey });
    });
  }
  const known = store.view.acmeAccounts.get(directory);
  const key = createPrivateKey(sealer.open(known?.sealedPrivateKey ?? "", directory));
  if (known?.url !== undefined && known.email === email) return { key, url: known.url };
  // Several certificates may want it at once; the server is told once.
  const registration = context.registering.get(directory) ?? registered(context, server, key);
  context.registering.set(directory, registration);
  return { key, url: await registration.finally(() => context.registering.delete(directory)) };
}

async function registered(context: CertificateContext, server: AcmeServer, key: KeyObject): Promise<string> {
  const email = context.issuers.acme?.email;
  const url = await server.register(key, email, context.signal);
  await changeAccount(context, server.directory, { url, email });
  return url;
}

/** The server does not know the account any more: it is made anew with the same key. */
export const forgetAccount = (context: CertificateContext, directory: string): Promise<void> =>
  changeAccount(context, directory, { url: undefined });

/** No order is begun before that time. */
export const keepSilent = (context: CertificateContext, directory: string, silentUntil: Instant): Promise<void> =>
  changeAccount(context, directory, { silentUntil });

async function changeAccount(
  { store }: CertificateContext,
  directory: string,
  changes: { readonly url?: string; readonly email?: string; readonly silentUntil?: Instant },
): Promise<void> {
  await store.transact("acme-account", (tx) => {
    const found = tx.acmeAccounts.get(directory);
    if (found !== undefined) tx.acmeAccounts.put({ ...found, ...changes });
  });
}
