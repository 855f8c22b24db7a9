import type { ContainerInstance, Service, Task } from "@aws-sdk/client-ecs";
import type { AwsClient } from "../wire/client.ts";

/** How many things one Describe call takes. Source: ECS API reference. */
const DESCRIBE_TASKS = 100;
const DESCRIBE_SERVICES = 10;

/** Every page of a listing, one after the other. */
async function everyPage<T>(
  call: (nextToken: string | undefined) => Promise<{ items: T[]; nextToken?: string }>,
): Promise<T[]> {
  const all: T[] = [];
  let nextToken: string | undefined;
  do {
    const page = await call(nextToken);
    all.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return all;
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** Every task of a cluster with that desired status, described; of one service if it is named. */
export async function allTasks(
  client: AwsClient,
  cluster: string,
  filter: { readonly serviceName?: string; readonly desiredStatus: "RUNNING" | "STOPPED" },
): Promise<Task[]> {
  const arns = await everyPage(async (nextToken) => {
    const page = await client.ecs("ListTasks", { cluster, ...filter, nextToken });
    return { items: page.taskArns ?? [], nextToken: page.nextToken };
  });
  const described = await Promise.all(
    chunks(arns, DESCRIBE_TASKS).map((tasks) => client.ecs("DescribeTasks", { cluster, tasks })),
  );
  return described.flatMap((d) => d.tasks ?? []);
}

/** Every service of a cluster, described. */
export async function allServices(client: AwsClient, cluster: string): Promise<Service[]> {
  const arns = await everyPage(async (nextToken) => {
    const page = await client.ecs("ListServices", { cluster, maxResults: 100, nextToken });
    return { items: page.serviceArns ?? [], nextToken: page.nextToken };
  });
  const described = await Promise.all(
    chunks(arns, DESCRIBE_SERVICES).map((services) => client.ecs("DescribeServices", { cluster, services })),
  );
  return described.flatMap((d) => d.services ?? []);
}

/** Every container instance of a cluster, described. */
export async function allContainerInstances(client: AwsClient, cluster: string): Promise<ContainerInstance[]> {
  const arns = await everyPage(async (nextToken) => {
    const page = await client.ecs("ListContainerInstances", { cluster, nextToken });
    return { items: page.containerInstanceArns ?? [], nextToken: page.nextToken };
  });
  const described = await Promise.all(
    chunks(arns, DESCRIBE_TASKS).map((containerInstances) =>
      client.ecs("DescribeContainerInstances", { cluster, containerInstances }),
    ),
  );
  return described.flatMap((d) => d.containerInstances ?? []);
}

/** The name that people know a host by: the one it was added under, else its instance id. */
export function hostName(instance: ContainerInstance | undefined): string {
  if (instance === undefined) return "-";
  const given = instance.attributes?.find((a) => a.name === "berth.host-name")?.value;
  return given ?? instance.ec2InstanceId ?? instance.containerInstanceArn?.split("/").at(-1) ?? "-";
}
