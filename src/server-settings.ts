import { defaultDataDir } from "./runtime/data-dir.ts";
import { number, pattern, type Setting, text, type Values } from "./runtime/settings.ts";

const addressAndPort: Setting<{ readonly host: string; readonly port: number }> = {
  value: "HOST:PORT",
  help: "where the API is served; port 0 takes a free one",
  default: { host: "127.0.0.1", port: 7070 },
  parse: (given) => {
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(given);
    const port = Number(match?.[3]);
    if (match === null || port > 65535) throw new Error("it must be HOST:PORT, such as 127.0.0.1:7070 or [::1]:7070");
    return { host: match[1] ?? match[2] ?? "", port };
  },
};

/** Everything that `berth server` can be told. */
export const SERVER_SETTINGS = {
  "data-dir": text("DIR", "where state and credentials are kept", defaultDataDir(process.env)),
  listen: addressAndPort,
  tls: text("FILE", "serve HTTPS with the certificate chain and private key in this PEM file", ""),
  region: pattern(text("REGION", "the region in every ARN", "us-east-1"), /^[a-z]{2}(-[a-z]+)+-\d$/, "like us-east-1"),
  "account-id": pattern(text("ID", "the account in every ARN", "000000000000"), /^\d{12}$/, "12 digits"),
  "balancer-address": pattern(
    text("ADDRESS", "the address that load balancers bind; 0.0.0.0 opens them to other machines", "127.0.0.1"),
    /^\d{1,3}(\.\d{1,3}){3}$/,
    "an IPv4 address",
  ),
  haproxy: text(
    "PROGRAM",
    "the HAProxy that carries load balancers here; 'container' runs it in Docker, 'none': other hosts carry them (berth balancer)",
    "haproxy",
  ),
  "haproxy-image": text("IMAGE", "the image that --haproxy container runs, HAProxy 2.6 or newer", "haproxy:2.6"),
  "acme-directory": pattern(
    text("URL", "the ACME server that issues certificates, whose terms are agreed to; e.g. Let's Encrypt's", ""),
    /^https:\/\/\S+$/,
    "an https:// URL, such as https://acme-v02.api.letsencrypt.org/directory",
  ),
  "acme-email": pattern(
    text("ADDRESS", "where the ACME server may write to", ""),
    /^[^\s@]+@[^\s@]+$/,
    "an address for e-mail",
  ),
  "acme-ca": text("FILE", "the roots to trust an ACME server of your own by, as PEM; the machine's if left out", ""),
  "acme-eab-kid": text("ID", "external account binding: the key's id, where the ACME server asks for that", ""),
  "acme-eab-key": text("KEY", "external account binding: the key; best in the environment or the config file", ""),
  "acme-http-port": number("PORT", "where requests for HTTP validation arrive, which are for port 80", 80, [1, 65_535]),
  "acme-renew-before": number(
    "DAYS",
    "how long before its end a certificate is renewed; 0: when a third of its lifetime is left",
    0,
    [0, 365],
  ),
  "dns-hook": text("PROGRAM", "sets TXT records for DNS validation: PROGRAM present|cleanup NAME VALUE", ""),
  "service-healthy-after": number(
    "SECONDS",
    "how long a service's task without any health check must have run to count as healthy",
    40,
    [0, 3600],
  ),
  "rebalance-after": number(
    "SECONDS",
    "how long a host must have been connected without a break before services move tasks to it",
    60,
    [0, 86_400],
  ),
  "host-loss-grace": number(
    "SECONDS",
    "how much longer than six silent seconds a host's tasks are waited for before they are replaced",
    1,
    [0, 86_400],
  ),
  "balancer-grace": number(
    "SECONDS",
    "how long a balancer that is cut off, or that fails, is still waited for before targets are judged without it",
    10,
    [0, 86_400],
  ),
  "start-grace": number(
    "SECONDS",
    "how long hosts and balancers may take to come back after a start of the server",
    30,
    [0, 86_400],
  ),
  "host-loss-brake": number(
    "PERCENT",
    "replacements are slowed when more than this share of a cluster's hosts, and at least three, go within half a minute",
    30,
    [0, 100],
  ),
  "stopped-task-retention": number(
    "HOURS",
    "how long stopped tasks can be described; each costs about 3 KiB of memory and as much of disk",
    720,
    [1, 8760],
  ),
  "stopped-task-limit": number(
    "COUNT",
    "how many stopped tasks a cluster keeps beyond one hour, the newest first; one service a tenth of them at most",
    10_000,
    [0, 1_000_000],
  ),
  "access-log-retention": number("DAYS", "how long access logs of load balancers are kept", 30, [1, 3650]),
  "access-log-limit": number(
    "MIB",
    "how large they may be all together, compressed; the oldest are removed first",
    1024,
    [1, 1_048_576],
  ),
  "log-level": pattern(
    text("LEVEL", "debug, info, warn, error or silent", "info"),
    /^(debug|info|warn|error|silent)$/,
    "debug, info, warn, error or silent",
  ),
} as const;

export type ServerSettings = Values<typeof SERVER_SETTINGS>;
