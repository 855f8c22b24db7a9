import { createServer } from "node:net";
import { socketAddress } from "../configuration/server-options.ts";

/** Why a port could not be had, in words for the person who asked for it. */
function explain(code: string | undefined, address: string, port: number, message: string): string {
  const socket = socketAddress(address, port);
  switch (code) {
    case "EADDRINUSE":
      return `${socket} is already in use by another process`;
    case "EACCES":
      return `no permission to listen on ${socket} (ports below 1024 need root or CAP_NET_BIND_SERVICE)`;
    case "EADDRNOTAVAIL":
      return `${address} is not an address of this machine`;
    default:
      return `cannot listen on ${socket}: ${message}`;
  }
}

/** Tries to listen on `address` and `port` for a moment. Resolves with undefined if that works, else with why it does not. */
export function probeBind(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", (error: NodeJS.ErrnoException) => resolve(explain(error.code, address, port, error.message)));
    server.listen({ host: address, port, exclusive: true, ipv6Only: address.includes(":") }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}
