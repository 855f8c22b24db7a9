import { request } from "node:http";

/** How long the engine may take for one answer. Removing a container takes about 0.1 s. */
const ANSWER_LIMIT_MS = 60_000;

interface ContainerSummary {
  readonly Id: string;
  readonly Mounts?: readonly { readonly Source?: string }[];
}

/** True for a container that was made for a cluster whose files are below `dir`: its metadata, or HAProxy's files, are mounted in it. */
export function belongsTo(dir: string, container: ContainerSummary): boolean {
  return (container.Mounts ?? []).some(({ Source = "" }) => Source.includes(`${dir}/`));
}

/** Removes every container that was made for the cluster whose files are below `dir` from an engine that stays. */
export async function removeContainersOf(dir: string, dockerHost: string): Promise<void> {
  const all = (await call(dockerHost, "GET", "/containers/json?all=1")) as readonly ContainerSummary[];
  const ours = all.filter((container) => belongsTo(dir, container));
  await Promise.all(ours.map(({ Id }) => call(dockerHost, "DELETE", `/containers/${Id}?force=1&v=1`)));
}

/** Removes images by their tags from an engine that stays. One that something else uses stays too. */
export async function removeImages(tags: readonly string[], dockerHost: string): Promise<void> {
  for (const tag of tags) await call(dockerHost, "DELETE", `/images/${tag}`);
}

/** Answers that say that there is nothing to remove, that it is being removed already, or that it is in use. */
const NOTHING_TO_DO = [404, 409];

function call(dockerHost: string, method: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { ...addressOf(dockerHost), method, path, timeout: ANSWER_LIMIT_MS };
    const outgoing = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        if (status < 300) resolve(text === "" ? undefined : JSON.parse(text));
        else if (method === "DELETE" && NOTHING_TO_DO.includes(status)) resolve(undefined);
        else reject(new Error(`the engine at ${dockerHost} refused ${method} ${path}: ${text.trim()}`));
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer within a minute")));
    outgoing.on("error", (error) =>
      reject(new Error(`the engine at ${dockerHost} cannot be reached: ${error.message}`)),
    );
    outgoing.end();
  });
}

/** Where an engine's API is, as node:http takes it: "unix:///path" or "tcp://host:port". */
export function addressOf(dockerHost: string): { socketPath: string } | { host: string; port: number } {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (socketPath !== undefined) return { socketPath };
  const tcp = /^(?:tcp|http):\/\/\[?([^\]/]+?)\]?:(\d+)\/?$/.exec(dockerHost);
  if (tcp === null) throw new Error(`the engine's address "${dockerHost}" is not unix:///path or tcp://host:port`);
  return { host: tcp[1] ?? "", port: Number(tcp[2]) };
}
