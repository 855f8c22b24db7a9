import type { EFSVolumeConfiguration, Volume } from "@aws-sdk/client-ecs";
import { clientError } from "../../errors.ts";
import { type DefinitionInput, nameOfContainer } from "./definition-input.ts";

const VOLUME_NAME = /^[A-Za-z0-9_-]{1,255}$/;

/** Throws ClientException for volumes that ECS does not accept, or a mount of one that is not there. */
export function checkVolumes(input: DefinitionInput): void {
  const names = new Set<string>();
  for (const volume of input.volumes ?? []) {
    const { name = "" } = volume;
    if (name === "") throw clientError("Volume.name should not be null or empty.");
    if (!VOLUME_NAME.test(name)) throw clientError("Volume.name contains invalid characters.");
    if (names.has(name)) throw clientError(`The volume name '${name}' is used more than once.`);
    names.add(name);
    checkVolume(volume);
  }
  if ((input.volumes ?? []).filter((v) => v.configuredAtLaunch === true).length > 1) {
    throw clientError("Only one volume of a task definition can be configured at launch.");
  }
  checkMounts(input, names);
}

function checkVolume(volume: Volume): void {
  const kinds = [
    volume.host,
    volume.dockerVolumeConfiguration,
    volume.efsVolumeConfiguration,
    volume.s3filesVolumeConfiguration,
    volume.fsxWindowsFileServerVolumeConfiguration,
    volume.configuredAtLaunch === true ? true : undefined,
  ].filter((kind) => kind !== undefined);
  if (kinds.length > 1) throw clientError(`The volume '${volume.name}' must have just one configuration.`);
  const path = volume.host?.sourcePath;
  if (path === "") throw clientError("host.sourcePath should not be blank.");
  if (path?.includes("\0")) throw clientError("host.sourcePath contains invalid characters.");
  const docker = volume.dockerVolumeConfiguration;
  if (docker?.autoprovision !== undefined && docker.scope !== "shared") {
    throw clientError(`The volume '${volume.name}' can set autoprovision only if its scope is shared.`);
  }
  if (volume.efsVolumeConfiguration !== undefined) checkEfs(volume.efsVolumeConfiguration);
}

function checkEfs(efs: EFSVolumeConfiguration): void {
  const { accessPointId, iam } = efs.authorizationConfig ?? {};
  const encrypted = efs.transitEncryption === "ENABLED";
  if (accessPointId !== undefined && !encrypted) {
    throw clientError("EFS transit encryption must be enabled when an access point is used.");
  }
  if (iam === "ENABLED" && !encrypted) {
    throw clientError("EFS transit encryption must be enabled when IAM authorization is enabled.");
  }
  if (accessPointId !== undefined && efs.rootDirectory !== undefined && efs.rootDirectory !== "/") {
    throw clientError("The EFS root directory must be omitted or set to / when an access point is used.");
  }
}

function checkMounts(input: DefinitionInput, names: ReadonlySet<string>): void {
  for (const container of input.containerDefinitions) {
    for (const { sourceVolume, containerPath } of container.mountPoints ?? []) {
      if (sourceVolume === undefined || !names.has(sourceVolume)) {
        throw clientError(`Unknown volume '${sourceVolume ?? "null"}'.`);
      }
      if (containerPath === undefined || containerPath === "") {
        throw clientError(
          `Container '${nameOfContainer(container)}' mounts volume '${sourceVolume}' without a containerPath.`,
        );
      }
    }
  }
}
