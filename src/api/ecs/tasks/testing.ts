import type { ContainerDefinition, TaskDefinition } from "@aws-sdk/client-ecs";
import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";
import { taskDefinitionArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { ApiContext, Call } from "../../context.ts";
import { ecsOperations } from "../operations.ts";
import { TEST_CALL, TEST_SCOPE, TEST_START, type TestClock, testContext } from "../testing.ts";

/** An API over an empty store with cluster `default`; operations by name, and task definitions past their own. */
export interface TasksRig {
  readonly context: ApiContext & { readonly clock: TestClock };
  call<K extends keyof EcsOperations>(
    operation: K,
    input: EcsOperations[K]["input"],
    call?: Partial<Call>,
  ): Promise<EcsOperations[K]["output"]>;
  /** Registers an agent, connected, with 1024 CPU units and 1024 MiB, and answers its ARN. */
  host(name: string, given?: Partial<EcsOperations["RegisterContainerInstance"]["input"]>): Promise<string>;
  /** Puts `<family>:1` with one container `web` of 100 units and 100 MiB, but for what is given. */
  define(family: string, container?: ContainerDefinition, definition?: Partial<TaskDefinition>): Promise<void>;
}

export async function tasksRig(): Promise<TasksRig> {
  const context = await testContext();
  const rig: TasksRig = {
    context,
    call: async (operation, input, call = {}) => {
      const carriedOut = ecsOperations[operation];
      if (carriedOut === undefined) throw new Error(`${operation} is not carried out`);
      return carriedOut(context, input, { ...TEST_CALL, ...call });
    },
    host: async (name, given = {}) => {
      const answer = await rig.call("RegisterContainerInstance", { ...registration(name), ...given });
      const arn = answer.containerInstance?.containerInstanceArn ?? "";
      await context.store.transact("connect", (tx) => {
        const instance = tx.containerInstances.get(arn);
        if (instance !== undefined) tx.containerInstances.put({ ...instance, agentConnected: true, sequence: 1 });
      });
      return arn;
    },
    define: (family, container = {}, definition = {}) => {
      const containers = [{ name: "web", image: "web", cpu: 100, memory: 100, essential: true, ...container }];
      return context.store.transact("define", (tx) => {
        tx.taskDefinitionFamilies.put({ family, lastRevision: 1 });
        tx.taskDefinitions.put({
          arn: taskDefinitionArn(TEST_SCOPE, { family, revision: 1 }),
          family,
          revision: 1,
          status: "ACTIVE",
          definition: { family, containerDefinitions: containers, ...definition },
          registeredAt: TEST_START,
          registeredBy: "test",
          tags: { from: "definition", team: "definition" },
        } satisfies TaskDefinitionRecord);
      });
    },
  };
  await rig.call("CreateCluster", {});
  return rig;
}

/** What an agent of that name says when it registers. */
export function registration(name: string): EcsOperations["RegisterContainerInstance"]["input"] {
  return {
    instanceIdentityDocument: JSON.stringify({ instanceId: `i-${name}`, privateIp: "10.0.0.1", instanceType: "t" }),
    instanceIdentityDocumentSignature: "",
    attributes: [{ name: "ecs.os-type", value: "linux" }, { name: "ecs.capability.efs" }],
    totalResources: [
      { name: "CPU", type: "INTEGER", integerValue: 1024 },
      { name: "MEMORY", type: "INTEGER", integerValue: 1024 },
      { name: "PORTS", type: "STRINGSET", stringSetValue: ["22"] },
      { name: "PORTS_UDP", type: "STRINGSET", stringSetValue: [] },
    ],
  };
}
