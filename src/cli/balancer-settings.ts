import { hostname } from "node:os";
import { join } from "node:path";
import { CARRIER_NAME } from "../balancer/index.ts";
import { defaultDataDir } from "../runtime/data-dir.ts";
import { pattern, text, type Values } from "../runtime/settings.ts";

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const { env } = process;

/** Everything that `berth balancer` can be told. */
export const BALANCER_SETTINGS = {
  endpoint: pattern(
    text("URL", "the control plane", env.AWS_ENDPOINT_URL || ""),
    /^https?:\/\/./,
    "a URL such as http://10.0.0.1:7070",
  ),
  name: pattern(
    text("NAME", "its name among the balancers", hostname()),
    CARRIER_NAME,
    "1 to 63 letters, digits and ._-",
  ),
  address: pattern(
    text("ADDRESS", "the address that listeners bind here; 0.0.0.0 for all of this host's", "0.0.0.0"),
    IPV4,
    "an IPv4 address",
  ),
  "client-address": pattern(
    text("ADDRESS", "where clients reach it, if that is neither --address nor where the control plane sees it", ""),
    IPV4,
    "an IPv4 address",
  ),
  "state-dir": text(
    "DIR",
    "where it keeps what it was told last, and HAProxy's files",
    join(defaultDataDir(env), "balancer"),
  ),
  haproxy: text("PROGRAM", "the HAProxy that carries the traffic; 'container' runs it in Docker", "haproxy"),
  "haproxy-image": text("IMAGE", "the image that --haproxy container runs, HAProxy 2.6 or newer", "haproxy:2.6"),
  region: text("REGION", "the control plane's region", env.AWS_REGION || env.AWS_DEFAULT_REGION || "us-east-1"),
  "log-level": pattern(
    text("LEVEL", "debug, info, warn, error or silent", "info"),
    /^(debug|info|warn|error|silent)$/,
    "debug, info, warn, error or silent",
  ),
} as const;

export type BalancerSettings = Values<typeof BALANCER_SETTINGS>;
