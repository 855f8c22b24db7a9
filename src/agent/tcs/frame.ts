import { type Credentials, signRequest } from "../../wire/sign.ts";

/** The names as the official agent writes them. */
const HEADER_NAMES: Readonly<Record<string, string>> = {
  authorization: "Authorization",
  host: "Host",
  "x-amz-date": "X-Amz-Date",
  "x-amz-security-token": "X-Amz-Security-Token",
};

/** One TCS frame: a block of header lines that sign it, an empty line, and the JSON (agent protocol, 4.1). */
export function signedFrame(
  type: string,
  message: object,
  signing: { readonly url: URL; readonly credentials: Credentials; readonly region: string; readonly now: number },
): string {
  const body = JSON.stringify({ type, message });
  const headers = signRequest({ ...signing, method: "GET", body, service: "ecs" });
  const lines = Object.entries(headers).map(([name, value]) => `${HEADER_NAMES[name] ?? name}: ${value}\r\n`);
  return `${lines.join("")}\r\n${body}`;
}
