import type { Command } from "commander";
import { type ApiOptions, withApiOptions } from "../api-command.ts";
import { type Connection, findConnection } from "../connection.ts";
import { printJson } from "../output.ts";

/** `berth env`: what to export so that the aws CLI and the SDKs reach this server. */
export function envCommand(program: Command): void {
  withApiOptions(
    program.command("env").description('print what the aws CLI needs to reach this server: eval "$(berth env)"'),
  ).action((options: ApiOptions) => {
    const variables = environmentFor(findConnection(options, process.env));
    if (options.output === "json") return printJson(variables);
    const lines = Object.entries(variables).map(
      ([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
    );
    lines.push("# aws CLI versions before 2.13 do not know AWS_ENDPOINT_URL; this makes any version use it:");
    lines.push('aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }');
    process.stdout.write(`${lines.join("\n")}\n`);
  });
}

/** The variables that the aws CLI and the SDKs read. */
export function environmentFor(connection: Connection): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: connection.endpoint,
    AWS_ACCESS_KEY_ID: connection.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: connection.key.secretAccessKey,
    ...(connection.key.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: connection.key.sessionToken }),
    AWS_DEFAULT_REGION: connection.region,
    AWS_REGION: connection.region,
    AWS_PAGER: "",
  };
}
