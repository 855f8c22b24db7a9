import type { ServiceEvent } from "@aws-sdk/client-ecs";
import type { Command } from "commander";
import { systemClock } from "../../runtime/clock.ts";
import type { AwsClient } from "../../wire/client.ts";
import { type ApiOptions, clientFor, withApiOptions } from "../api-command.ts";
import { printJson } from "../output.ts";

/** How often `--follow` asks again. */
const FOLLOW_MS = 1000;

/** `berth events SERVICE`: what happened to a service, oldest first. */
export function eventsCommand(program: Command): void {
  withApiOptions(program.command("events").description("show what happened to a service, oldest first"))
    .argument("<service>", "the service's name")
    .option("-f, --follow", "go on showing what happens")
    .action(async (service: string, options: ApiOptions & { follow?: boolean }) => {
      const client = clientFor(options);
      let shown = await show(client, service, options, undefined);
      while (options.follow) {
        await systemClock().sleep(FOLLOW_MS);
        shown = await show(client, service, options, shown);
      }
    });
}

/** Prints the events after the one with that id and answers the newest one's id. */
async function show(
  client: AwsClient,
  service: string,
  options: ApiOptions & { follow?: boolean },
  after: string | undefined,
): Promise<string | undefined> {
  const answer = await client.ecs("DescribeServices", { cluster: options.cluster, services: [service] });
  const [found] = answer.services ?? [];
  if (found === undefined) throw new Error(`service '${service}' is not in cluster '${options.cluster}'`);
  const newestFirst = found.events ?? [];
  const known = newestFirst.findIndex((e) => e.id === after);
  const news = (known < 0 ? newestFirst : newestFirst.slice(0, known)).toReversed();
  if (options.output === "json" && !options.follow) printJson(news);
  if (options.output === "json" && options.follow)
    for (const event of news) process.stdout.write(`${JSON.stringify(event)}\n`); // one line each, for readers of streams
  if (options.output === "table") for (const event of news) process.stdout.write(`${line(event)}\n`);
  return newestFirst[0]?.id ?? after;
}

const line = (event: ServiceEvent) => `${event.createdAt?.toISOString() ?? "-"}  ${event.message ?? ""}`;
