import type { ListenerAction, RuleState } from "./listener-rules.ts";

/** What traffic a listener or target group carries. */
export type BalancerProtocol = "HTTP" | "TCP";

/** A certificate that listeners may show. Its private key is never logged. */
export interface CertificateState {
  /** Unique among certificates; 1-255 characters, any. */
  readonly id: string;
  /** PEM: the certificate, then its chain. */
  readonly certificates: string;
  /** PEM, not encrypted; of the first certificate. */
  readonly privateKey: string;
}

type TlsVersion = "TLSv1.0" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** How a listener speaks TLS. */
export interface TlsState {
  /** At least one. The first is shown to clients that name no server, or one that no certificate is for. */
  readonly certificateIds: readonly string[];
  readonly policy: {
    readonly minVersion: TlsVersion;
    readonly maxVersion: TlsVersion;
    /** OpenSSL's names, separated by `:`, for TLS up to 1.2; empty where it is not spoken. */
    readonly ciphers: string;
    /** The same for TLS 1.3. */
    readonly cipherSuites: string;
  };
  /** Protocols in order of preference, e.g. `h2`; none: the client's wish is not answered. */
  readonly alpn: readonly ("h2" | "http/1.1")[];
}

/** What an HTTP listener does with the headers of requests and answers. */
export interface HeaderSettings {
  /** X-Forwarded-For of a request: the client's address is appended, what is there is left as it is, or it is removed. */
  readonly forwardedFor: "append" | "preserve" | "remove";
  /** The client's port is appended with its address. */
  readonly forwardedPort: boolean;
  /** Headers whose names have other characters than letters, digits and hyphens are removed from requests. */
  readonly dropInvalid: boolean;
  /** X-Amzn-Tls-Version and X-Amzn-Tls-Cipher-Suite tell targets of a listener's TLS. */
  readonly tlsFacts: boolean;
  /** What each answer of a target is to say of these; an empty value leaves a header as the target has it. */
  readonly answers: Readonly<Record<string, string>>;
  /** The Server header is removed from answers. */
  readonly hideServer: boolean;
}

export interface ListenerState {
  /** Unique among listeners; 1-255 characters, any. */
  readonly id: string;
  readonly protocol: BalancerProtocol;
  /** An IPv4 or IPv6 address of this machine; `0.0.0.0` or `::` for all. */
  readonly address: string;
  readonly port: number;
  /** How long a connection may be silent in either direction; above 0, to 6000 s. */
  readonly idleTimeoutSeconds: number;
  /** Clients must speak TLS. */
  readonly tls?: TlsState;
  /** HTTP listeners only; absent: ELB's defaults. */
  readonly headers?: HeaderSettings;
  /** HTTP listeners only: each request is told of by onAccess. It costs a fifth of what HAProxy can carry. */
  readonly accessLog?: boolean;
  /** HTTP listeners only: the first whose conditions are fulfilled decides. */
  readonly rules: readonly RuleState[];
  /** What becomes of what no rule claims. */
  readonly defaultAction: ListenerAction;
}

/** How clients stay with a target. */
export type StickinessState =
  /** HTTP: by a cookie that is renewed with every answer. */
  | { readonly type: "lb_cookie"; readonly durationSeconds: number }
  /** HTTP: the same, from an answer on in which the target sets this cookie, as long as the client sends it. */
  | { readonly type: "app_cookie"; readonly cookieName: string; readonly durationSeconds: number }
  /** TCP: by their address. */
  | { readonly type: "source_ip" };

/** How targets of a group are checked. The numbers are ELB's; fractions of a second are allowed. */
export interface HealthCheckState {
  /** Off: every target counts as good, and is reported `unavailable` (Target.HealthCheckDisabled). */
  readonly enabled: boolean;
  readonly protocol: BalancerProtocol;
  /** Checks speak TLS. */
  readonly tls?: boolean;
  readonly port: "traffic-port" | number;
  /** HTTP only: origin form, printable ASCII without blanks. */
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  /** HTTP only: codes and ranges, e.g. `200-299,301`; of gRPC where the group speaks it, 1-99. */
  readonly matcher: string;
}

export interface TargetState {
  /** Unique in its group; 1-255 characters, any. */
  readonly id: string;
  /** A numeric IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** No new request or connection; what is under way may finish. */
  readonly draining: boolean;
  /** Overrides the group's health check port. */
  readonly checkPort?: number;
}

export interface TargetGroupState {
  /** Unique among groups; 1-255 characters, any. */
  readonly id: string;
  readonly protocol: BalancerProtocol;
  /** The targets speak TLS. Their certificates are not verified. */
  readonly tls?: boolean;
  /** HTTP only: the targets speak HTTP/2, over TLS or not. `grpc`: checks are calls by gRPC. */
  readonly version?: "http2" | "grpc";
  readonly algorithm: "round_robin" | "least_outstanding_requests" | "weighted_random";
  /** A target that becomes healthy gets its share of traffic little by little over this time, 30-900 s. */
  readonly slowStartSeconds?: number;
  readonly stickiness?: StickinessState;
  /** TCP only: targets are told whom a connection is from by the PROXY protocol, version 2. */
  readonly proxyProtocol?: boolean;
  readonly healthCheck: HealthCheckState;
  readonly targets: readonly TargetState[];
}

/** What HTTP listeners answer by themselves to one request of an ACME server. */
export interface ChallengeState {
  /** The last part of the path that is asked for; 1-128 characters of base64url. */
  readonly token: string;
  /** The whole body of the answer: the token, a dot and the account key's thumbprint. */
  readonly answer: string;
}

/** All that is wanted of the balancer. Given whole each time; there is no such thing as a change to it. */
export interface BalancerState {
  readonly listeners: readonly ListenerState[];
  readonly targetGroups: readonly TargetGroupState[];
  /** Those that listeners name; others may be there. Absent: none. */
  readonly certificates?: readonly CertificateState[];
  /** What every HTTP listener answers to ACME servers. Absent: there will be none, and listeners need not look for any. */
  readonly challenges?: readonly ChallengeState[];
}

/** What is known of one target. The reasons and texts are ELB's (DescribeTargetHealth). */
export interface TargetReport {
  readonly targetGroupId: string;
  readonly targetId: string;
  readonly state: "initial" | "healthy" | "unhealthy" | "unavailable" | "draining" | "drained";
  readonly reason?:
    | "Elb.RegistrationInProgress"
    | "Elb.InitialHealthChecking"
    | "Target.ResponseCodeMismatch"
    | "Target.Timeout"
    | "Target.FailedHealthChecks"
    | "Target.HealthCheckDisabled"
    | "Target.DeregistrationInProgress";
  readonly description?: string;
  /** Requests (HTTP) or connections (TCP) under way, those of workers that a reload has retired included while it drains. */
  readonly sessions: number;
}
