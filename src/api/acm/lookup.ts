import type { CertificateRecord } from "../../model/certificate.ts";
import type { BerthView } from "../../store/index.ts";
import { parseCertificateArn } from "../../wire/arn.ts";
import type { ApiContext } from "../context.ts";
import { AcmError, certificateNotFound } from "./errors.ts";

/** The certificate of that ARN. Throws InvalidArn and ResourceNotFound. */
export function certificateOf(
  { scope }: Pick<ApiContext, "scope">,
  tables: Pick<BerthView, "certificates">,
  arn = "",
): CertificateRecord {
  if (parseCertificateArn(arn) === undefined)
    throw new AcmError("InvalidArnException", `'${arn}' is not the ARN of a certificate.`);
  const found = tables.certificates.get(arn);
  if (found === undefined) throw certificateNotFound(arn, scope.accountId);
  return found;
}

/** The load balancers whose listeners show the certificate. */
export function usersOf(tables: Pick<BerthView, "listeners">, arn: string): string[] {
  return [...new Set(tables.listeners.where("certificate", arn).map((listener) => listener.loadBalancerArn))];
}
