import type { Certificate } from "@aws-sdk/client-elastic-load-balancing-v2";
import { isSecure, type ListenerRecord, listenerCertificates } from "../../model/load-balancer.ts";
import type { BerthTransaction } from "../../store/index.ts";
import { ElbError, validationError } from "./errors.ts";
import { certificateArnOf } from "./listener-tls.ts";
import { listenerOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";

/** How many certificates the listeners of a load balancer may have besides their defaults. Source: ELB quotas. */
const MAX_CERTIFICATES = 25;

export const addListenerCertificates: Operation<"AddListenerCertificates"> = async ({ store }, input) => {
  const given = checked(input.Certificates);
  await store.transact("AddListenerCertificates", (tx) => {
    const found = secureListenerOf(tx, input.ListenerArn);
    const shown = listenerCertificates(found);
    const added = given.map((arn) => certificateArnOf(tx, arn)).filter((arn) => !shown.includes(arn));
    const extra = [...new Set([...(found.extraCertificateArns ?? []), ...added])];
    checkCount(tx, found, extra.length);
    return tx.listeners.put({ ...found, extraCertificateArns: extra });
  });
  return { Certificates: given.map((CertificateArn) => ({ CertificateArn, IsDefault: false })) };
};

export const removeListenerCertificates: Operation<"RemoveListenerCertificates"> = async ({ store }, input) => {
  const given = checked(input.Certificates);
  await store.transact("RemoveListenerCertificates", (tx) => {
    const found = secureListenerOf(tx, input.ListenerArn);
    if (found.certificateArn !== undefined && given.includes(found.certificateArn))
      throw new ElbError(
        "OperationNotPermittedException",
        `The default certificate '${found.certificateArn}' of a listener cannot be removed`,
      );
    const extra = (found.extraCertificateArns ?? []).filter((arn) => !given.includes(arn));
    return tx.listeners.put({ ...found, extraCertificateArns: extra });
  });
  return {};
};

/** The default certificate first. */
export const describeListenerCertificates: Operation<"DescribeListenerCertificates"> = (context, input) => {
  const found = listenerOf(context.store.view, input.ListenerArn);
  const all = listenerCertificates(found).map(
    (CertificateArn): Certificate => ({ CertificateArn, IsDefault: CertificateArn === found.certificateArn }),
  );
  const key = ({ CertificateArn, IsDefault }: Certificate) => `${IsDefault === true ? 0 : 1} ${CertificateArn}`;
  const { items, nextMarker } = page(context, all, key, input, found.arn);
  return { Certificates: items, NextMarker: nextMarker };
};

function checked(given: readonly Certificate[] = []): string[] {
  if (given.length === 0) throw validationError("At least one certificate must be specified");
  if (given.some(({ IsDefault }) => IsDefault !== undefined))
    throw validationError("IsDefault cannot be specified: ModifyListener sets the default certificate");
  return given.map(({ CertificateArn }) => CertificateArn ?? "");
}

function secureListenerOf(tx: BerthTransaction, arn: string | undefined): ListenerRecord {
  const found = listenerOf(tx, arn);
  if (isSecure(found.protocol)) return found;
  throw validationError(`Listener '${found.arn}' has no certificates: its protocol is '${found.protocol}'`);
}

function checkCount(tx: BerthTransaction, changed: ListenerRecord, count: number): void {
  const others = tx.listeners
    .where("loadBalancer", changed.loadBalancerArn)
    .filter(({ arn }) => arn !== changed.arn)
    .reduce((sum, listener) => sum + (listener.extraCertificateArns ?? []).length, 0);
  if (others + count <= MAX_CERTIFICATES) return;
  throw new ElbError(
    "TooManyCertificatesException",
    `Load balancer '${changed.loadBalancerArn}' may have at most ${MAX_CERTIFICATES} certificates besides defaults`,
  );
}
