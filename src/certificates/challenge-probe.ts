import { request } from "node:http";

/** How long an answer may take. */
const TIMEOUT_MS = 2000;

/** Asks a listener of this machine as an ACME server would. */
export interface ChallengeProbe {
  /** What is answered to the challenge, or undefined if there is no such answer. Never rejects. */
  ask(
    at: { readonly address: string; readonly port: number },
    name: string,
    token: string,
  ): Promise<string | undefined>;
}

export const challengeProbe: ChallengeProbe = {
  ask: ({ address, port }, name, token) =>
    new Promise((resolve) => {
      // An address for all is none to connect to.
      const host = address === "0.0.0.0" ? "127.0.0.1" : address;
      const path = `/.well-known/acme-challenge/${token}`;
      const options = { host, port, path, headers: { host: name }, agent: false, timeout: TIMEOUT_MS };
      const sent = request(options, (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (text: string) => {
          body = (body + text).slice(0, 1024);
        });
        answer.on("error", () => resolve(undefined));
        answer.on("end", () => resolve(answer.statusCode === 200 ? body : undefined));
      });
      sent.on("timeout", () => sent.destroy());
      sent.on("error", () => resolve(undefined));
      sent.on("close", () => resolve(undefined));
      sent.end();
    }),
};
