/** What a listener's clients may speak. */
export interface SslPolicy {
  readonly name: string;
  readonly protocols: readonly TlsVersion[];
  /** OpenSSL's names, in order of preference; those of TLS 1.3 begin with `TLS_`. */
  readonly ciphers: readonly string[];
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

const TLS_1_3 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
const FORWARD_SECRET_128_GCM = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"];
const FORWARD_SECRET_128_CBC = ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256"];
const FORWARD_SECRET_256_GCM = ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"];
const FORWARD_SECRET_256_CBC = ["ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384"];
const FORWARD_SECRET_128_SHA1 = ["ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"];
const FORWARD_SECRET_256_SHA1 = ["ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA"];
const RSA_128 = ["AES128-GCM-SHA256", "AES128-SHA256"];
const RSA_256 = ["AES256-GCM-SHA384", "AES256-SHA256"];

const FORWARD_SECRET = [
  ...FORWARD_SECRET_128_GCM,
  ...FORWARD_SECRET_128_CBC,
  ...FORWARD_SECRET_256_GCM,
  ...FORWARD_SECRET_256_CBC,
];
const WITH_SHA1 = [
  ...FORWARD_SECRET_128_GCM,
  ...FORWARD_SECRET_128_CBC,
  ...FORWARD_SECRET_128_SHA1,
  ...FORWARD_SECRET_256_GCM,
  ...FORWARD_SECRET_256_CBC,
  ...FORWARD_SECRET_256_SHA1,
  ...RSA_128,
  "AES128-SHA",
  ...RSA_256,
  "AES256-SHA",
];

/** The policy of a listener that names none. ELB's own default for its API, 2016-08, still lets TLS 1.0 in. */
export const DEFAULT_SSL_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/** Source: ELB user guide, security policies for application load balancers. */
export const SSL_POLICIES: readonly SslPolicy[] = [
  {
    name: DEFAULT_SSL_POLICY,
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: [...TLS_1_3, ...FORWARD_SECRET],
  },
  {
    name: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: [...TLS_1_3, ...FORWARD_SECRET_128_GCM, ...FORWARD_SECRET_256_GCM],
  },
  {
    name: "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: [...TLS_1_3, ...FORWARD_SECRET, ...RSA_128, ...RSA_256],
  },
  {
    name: "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: [...TLS_1_3, ...WITH_SHA1],
  },
  { name: "ELBSecurityPolicy-TLS13-1-3-2021-06", protocols: ["TLSv1.3"], ciphers: TLS_1_3 },
  {
    name: "ELBSecurityPolicy-TLS-1-2-2017-01",
    protocols: ["TLSv1.2"],
    ciphers: [...FORWARD_SECRET, ...RSA_128, ...RSA_256],
  },
  {
    name: "ELBSecurityPolicy-FS-1-2-Res-2020-10",
    protocols: ["TLSv1.2"],
    ciphers: [...FORWARD_SECRET_128_GCM, ...FORWARD_SECRET_256_GCM],
  },
  { name: "ELBSecurityPolicy-2016-08", protocols: ["TLSv1", "TLSv1.1", "TLSv1.2"], ciphers: WITH_SHA1 },
];

/** The policy of that name, or undefined if it is not carried out. */
export const sslPolicy = (name: string): SslPolicy | undefined => SSL_POLICIES.find((policy) => policy.name === name);
