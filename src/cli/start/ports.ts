import { createServer } from "node:net";
import { UsageError } from "../usage.ts";

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads "HOST:PORT" with a port from 1 to 65535. Throws UsageError. */
export function parseListen(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535)
    throw new UsageError(
      `--listen is '${text}': it must be HOST:PORT with a port from 1 to 65535, such as 127.0.0.1:7070`,
    );
  return { host: match[1] ?? match[2] ?? "", port };
}

/** Throws Error saying that the address is taken and with which option another is chosen. */
export async function checkFree(address: Address, use: string, option: string): Promise<void> {
  const where = `${address.host}:${address.port}`;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? `is in use already. Stop what listens there (\`ss -ltnp\` names it), or choose another with ${option}`
          : `cannot be listened on (${error.message}). Choose another with ${option}`;
      reject(new Error(`${where}, for ${use}, ${why}`));
    });
    server.listen({ ...address, exclusive: true }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}
