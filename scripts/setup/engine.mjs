import { existsSync } from "node:fs";
import { get } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";

/** The Docker Engine that commands on this machine reach: DOCKER_HOST, or the first usual socket that answers. Or undefined. */
export async function engineInReach() {
  const given = process.env.DOCKER_HOST;
  if (given !== undefined && given !== "") return (await answers(given)) ? given : undefined;
  const sockets = [
    "/var/run/docker.sock",
    process.env.XDG_RUNTIME_DIR && join(process.env.XDG_RUNTIME_DIR, "docker.sock"),
    ...[".docker/run/docker.sock", ".colima/default/docker.sock", ".orbstack/run/docker.sock", ".rd/docker.sock"].map(
      (path) => join(homedir(), path),
    ),
  ];
  for (const socket of sockets)
    if (socket && existsSync(socket) && (await answers(`unix://${socket}`))) return `unix://${socket}`;
  return undefined;
}

function answers(address) {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(address)?.[1];
  const tcp = /^(?:tcp|http):\/\/\[?([^\]/]+?)\]?:(\d+)\/?$/.exec(address);
  if (socketPath === undefined && tcp === null) return Promise.resolve(false);
  const where = socketPath === undefined ? { host: tcp[1], port: Number(tcp[2]) } : { socketPath };
  return new Promise((resolve) => {
    const request = get({ ...where, path: "/_ping", timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
