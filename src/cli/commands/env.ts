import type { Command } from "commander";
import { type ApiOptions, withApiOptions } from "../api-command.ts";
import { type Connection, findConnection } from "../connection.ts";
import { printJson } from "../output.ts";

/** `berth env`: what to export so that the aws CLI and the SDKs reach this server. */
export function envCommand(program: Command): void {
  withApiOptions(
    program.command("env").description('print what the aws CLI needs to reach this server: eval "$(berth env)"'),
  ).action((options: ApiOptions) => {
    const variables = environmentFor(findConnection(options, process.env), process.env);
    if (options.output === "json") return printJson(variables);
    process.stdout.write(exportLines(variables));
  });
}

/** The variables as a shell reads them, with what they do not set unset, so that nothing meant for another server is left standing. */
export function exportLines(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`);
  const unset = ["AWS_SESSION_TOKEN", "AWS_PROFILE"].filter((name) => variables[name] === undefined);
  lines.push(`unset ${unset.join(" ")}`);
  lines.push("# aws CLI versions before 2.13 do not know AWS_ENDPOINT_URL; this makes any version use it:");
  lines.push('aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }');
  return `${lines.join("\n")}\n`;
}

/** The variables that the aws CLI and the SDKs read. */
export function environmentFor(connection: Connection, env: NodeJS.ProcessEnv): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: connection.endpoint,
    AWS_ACCESS_KEY_ID: connection.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: connection.key.secretAccessKey,
    ...(connection.key.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: connection.key.sessionToken }),
    ...(env.AWS_CA_BUNDLE ? { AWS_CA_BUNDLE: env.AWS_CA_BUNDLE } : {}),
    AWS_DEFAULT_REGION: connection.region,
    AWS_REGION: connection.region,
    AWS_PAGER: "",
  };
}
