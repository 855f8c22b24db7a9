import type { Connection } from "../connection.ts";
import { EXAMPLE } from "./example.ts";

/** What is printed when a start is up: the addresses, and what to try. */
export function welcome(up: {
  readonly connection: Connection;
  readonly port: number;
  /** Undefined where there is no HTTPS. */
  readonly httpsPort: number | undefined;
  /** The root certificate that the example's is trusted by. */
  readonly rootFile: string;
  readonly seconds: number;
  /** BERTH_DATA_DIR, if it is set: commands in another shell need it too. */
  readonly dataDir: string | undefined;
}): string {
  const { connection, port, httpsPort, rootFile, seconds, dataDir } = up;
  const lines: readonly (readonly [string, string] | undefined)[] = [
    ["the example service", `curl http://127.0.0.1:${port}`],
    httpsPort === undefined
      ? undefined
      : [
          "the same over HTTPS",
          `curl --cacert ${rootFile} https://localhost:${httpsPort} (trust that file in browsers, too)`,
        ],
    ["the API", connection.endpoint],
    ["in another shell", "bin/berth ps, bin/berth services, bin/berth hosts"],
    dataDir === undefined ? undefined : ["", `with export BERTH_DATA_DIR='${dataDir}', as here`],
    ["what happened, and why", `bin/berth events ${EXAMPLE.name}`],
    ["the aws CLI", 'eval "$(bin/berth env)" && aws ecs list-services'],
    ["ship version 2", `aws ecs update-service --service ${EXAMPLE.name} --task-definition ${EXAMPLE.name}:2`],
  ];
  const width = Math.max(...lines.map((line) => line?.[0].length ?? 0));
  const table = lines.flatMap((line) => (line === undefined ? [] : [`  ${line[0].padEnd(width)}  ${line[1]}`]));
  return ["", `Berth is up, after ${seconds.toFixed(1)} s.`, ...table, "Ctrl-C stops and removes all of it."].join(
    "\n",
  );
}
