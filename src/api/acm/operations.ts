import type { AcmOperations } from "../../wire/models/acm.ts";
import {
  deleteCertificate,
  describeCertificate,
  getCertificate,
  importCertificate,
  listCertificates,
} from "./certificates.ts";
import type { Operation } from "./operation.ts";
import { renewCertificate, requestCertificate } from "./request-certificate.ts";
import { addTagsToCertificate, listTagsForCertificate, removeTagsFromCertificate } from "./tags.ts";

/** Every ACM operation that is carried out. */
export const acmOperations: { readonly [K in keyof AcmOperations]?: Operation<K> } = {
  AddTagsToCertificate: addTagsToCertificate,
  DeleteCertificate: deleteCertificate,
  DescribeCertificate: describeCertificate,
  GetCertificate: getCertificate,
  ImportCertificate: importCertificate,
  ListCertificates: listCertificates,
  ListTagsForCertificate: listTagsForCertificate,
  RemoveTagsFromCertificate: removeTagsFromCertificate,
  RenewCertificate: renewCertificate,
  RequestCertificate: requestCertificate,
};
