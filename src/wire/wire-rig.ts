import http from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../runtime/clock.ts";
import { type Log, silentLog } from "../runtime/log.ts";
import { systemRandom } from "../runtime/random.ts";
import { cloudWatchModel, ecsModel, elbv2Model, logsModel } from "./model.ts";
import { createWireHandler, type WireHandlerOptions } from "./server.ts";
import type { WireCall } from "./wire-service.ts";

/** For tests: a server of all services on a loopback port, whose every operation is answered by `answer`. */
export interface WireRig {
  readonly endpoint: string;
  readonly errors: { readonly fields: object; readonly message: string }[];
  close(): Promise<void>;
}

export type RigAnswer = (service: string, operation: string, input: unknown, call: WireCall<string>) => unknown;

export const RIG_KEY = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
export const RIG_REGION = "us-east-1";

export async function startWireRig(
  answer: RigAnswer,
  overrides: Partial<WireHandlerOptions<string>> = {},
): Promise<WireRig> {
  const errors: { fields: object; message: string }[] = [];
  const log: Log = { ...silentLog(), error: (fields, message) => errors.push({ fields, message }) };
  const services = [ecsModel(), elbv2Model(), cloudWatchModel(), logsModel()].map((model) => ({
    model,
    has: () => true,
    call: async (operation: string, input: unknown, call: WireCall<string>) =>
      answer(model.name, operation, input, call),
  }));
  const handler = createWireHandler<string>({
    services,
    authenticate: (id, token) =>
      id === RIG_KEY.accessKeyId && token === undefined
        ? { secretAccessKey: RIG_KEY.secretAccessKey, principal: "administrator" }
        : undefined,
    region: RIG_REGION,
    clock: systemClock(),
    random: systemRandom(),
    log,
    strictErrors: true,
    ...overrides,
  });
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    errors,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
