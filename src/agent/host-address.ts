import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";

/**
 * The address of this host that others reach it by: the one the kernel would send from towards the control plane.
 * 127.0.0.1 if the control plane is on this very host, or nothing better is known. No packet is sent.
 */
export async function sourceAddressTowards(endpoint: URL): Promise<string> {
  const host = endpoint.hostname.replace(/^\[|\]$/g, "");
  const port = Number(endpoint.port || (endpoint.protocol === "https:" ? 443 : 80));
  try {
    const { address, family } = await lookup(host);
    const source = await connectedFrom(address, family === 6 ? "udp6" : "udp4", port);
    return source.startsWith("127.") || source === "::1" ? "127.0.0.1" : source.replace(/^::ffff:/, "");
  } catch {
    // No route or no such name now: the control plane then knows us by our session's address.
    return "127.0.0.1";
  }
}

function connectedFrom(address: string, type: "udp4" | "udp6", port: number): Promise<string> {
  const socket = createSocket(type);
  return new Promise<string>((resolve, reject) => {
    socket.on("error", reject);
    socket.connect(port, address, () => resolve(socket.address().address));
  }).finally(() => socket.close());
}
