import type { NetworkBinding } from "@aws-sdk/client-ecs";
import type { RegisteredDefinition } from "../../../model/task-definition.ts";

/** Where a container in host mode is reached: its container ports, on the host's addresses. */
export function hostModeBindings(definition: RegisteredDefinition, containerName: string): NetworkBinding[] {
  const container = definition.containerDefinitions?.find((c) => c.name === containerName);
  return (container?.portMappings ?? []).flatMap(({ containerPort, protocol }) =>
    containerPort === undefined
      ? []
      : [{ bindIP: "0.0.0.0", containerPort, hostPort: containerPort, protocol: protocol === "udp" ? "udp" : "tcp" }],
  );
}
