import type { Duplex } from "node:stream";
import type { AwsError } from "./errors.ts";

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  503: "Service Unavailable",
};

/** Answers a websocket upgrade that may not go on, in the form that ECS's agents look for, and ends the connection. */
export function refuseUpgrade(socket: Duplex, error: AwsError): void {
  const body = JSON.stringify({ [error.code]: error.message.slice(0, 800) });
  const status = `${error.httpStatus} ${STATUS_TEXTS[error.httpStatus] ?? "Error"}`;
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nx-amzn-ErrorType: ${error.code}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
