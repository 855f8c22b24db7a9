import { type Command, InvalidArgumentError, Option } from "commander";
import type { AwsClient } from "../wire/client.ts";
import { type ConnectionFlags, connect, findConnection } from "./connection.ts";
import { endWhenNobodyReads, type OutputFormat } from "./output.ts";

/** The options that every command which calls the API has. */
export interface ApiOptions {
  readonly cluster: string;
  readonly output: OutputFormat;
  readonly endpoint?: string;
  readonly region?: string;
  readonly dataDir?: string;
}

/** Adds the options that every command which calls the API for a cluster has. */
export function withApiOptions(command: Command): Command {
  const ofCluster = command.addOption(
    new Option("-c, --cluster <name>", "the cluster").env("ECS_CLUSTER").default("default"),
  );
  return withConnectionOptions(withOutputOption(ofCluster));
}

/** Adds the option that says how the answer is written. */
export function withOutputOption(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <format>", "table or json").choices(["table", "json"]).default("table"),
  );
}

/** Adds the options that say which server is called. */
export function withConnectionOptions(command: Command): Command {
  return command
    .option("--endpoint <url>", "the server (default: AWS_ENDPOINT_URL, else the server of this machine)")
    .option("--region <region>", "the region (default: AWS_REGION, else the server's)")
    .option("--data-dir <dir>", "the data directory of this machine's server");
}

/** A client for the options given. Throws UsageError if no server or no credentials are known. */
export function clientFor(options: ConnectionFlags): AwsClient {
  endWhenNobodyReads();
  return connect(findConnection(options, process.env));
}

/** For commander: a whole number of at least `low`. */
export function wholeNumber(low: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low)
      throw new InvalidArgumentError(`It must be a whole number of at least ${low}.`);
    return value;
  };
}
