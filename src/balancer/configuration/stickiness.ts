import type { TargetGroupState } from "../state.ts";
import { quoteWord } from "./quote-word.ts";

/** The names are ELB's. */
const BALANCER_COOKIE = "AWSALB";
const APPLICATION_COOKIE = "AWSALBAPP-0";

/** What is wrong with settings. */
export function* stickinessProblems({ protocol, stickiness }: TargetGroupState): Generator<string> {
  if (stickiness === undefined) return;
  if ((stickiness.type === "source_ip") !== (protocol === "TCP"))
    yield `stickiness by ${stickiness.type} is not for ${protocol} target groups`;
  if (stickiness.type === "source_ip") return;
  const seconds = stickiness.durationSeconds;
  if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= 604_800))
    yield `stickiness of ${seconds} s is not a whole number within 1-604800`;
  if (stickiness.type === "app_cookie" && !/^[A-Za-z0-9!#$%&*+.^_|~-]{1,256}$/.test(stickiness.cookieName))
    yield `${JSON.stringify(stickiness.cookieName)} is not the name of a cookie`;
}

/**
 * The lines of an HTTP backend. The cookie holds a digest of the part of a server's name that all servers of its target share;
 * a map leads from it to the server that stands for the target now. A target that is down, draining or gone is not stayed
 * with: HAProxy takes no server that is down, and the others are not in the map.
 */
export function stickinessLines({ stickiness }: TargetGroupState, mapFile: string): string[] {
  if (stickiness === undefined || stickiness.type === "source_ip") return [];
  const ofApplication = stickiness.type === "app_cookie";
  const cookie = ofApplication ? APPLICATION_COOKIE : BALANCER_COOKIE;
  const server = `req.cook(${cookie}),map(${mapFile})`;
  const has = ofApplication ? `{ ${quoteWord(`req.cook(${stickiness.cookieName})`)} -m found } ` : "";
  const sets = ofApplication ? ` if { ${quoteWord(`res.cook(${stickiness.cookieName})`)} -m found }` : "";
  const digest = "%[srv_name,regsub('\\d+(:open)?$',''),sha1,hex]";
  const value = `${cookie}=${digest}; Expires=%[date(${stickiness.durationSeconds}),http_date]; Path=/`;
  return [
    `  use-server %[${server}] if ${has}{ ${server} -m found }`,
    `  http-response add-header Set-Cookie ${quoteWord(value)}${sets}`,
  ];
}
