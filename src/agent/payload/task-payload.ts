import * as v from "valibot";

/** A member that Go leaves out, writes as null, or fills. Null becomes absent. */
const opt = <T extends v.GenericSchema>(schema: T) =>
  v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  );
const int = v.pipe(v.number(), v.integer());
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(255));
const strings = v.array(v.string());
const stringMap = v.record(v.string(), v.string());
/** Present or not is all that matters: what it holds is not carried out. */
const anything = opt(v.unknown());
const port = v.pipe(int, v.minValue(0), v.maxValue(65535));

const portMapping = v.object({
  containerPort: opt(port),
  hostPort: opt(port),
  containerPortRange: opt(v.pipe(v.string(), v.regex(/^\d{1,5}-\d{1,5}$/))),
  protocol: opt(v.picklist(["tcp", "udp"])),
});

const dockerConfig = v.object({ version: opt(v.string()), config: opt(v.string()), hostConfig: opt(v.string()) });

const container = v.object({
  name,
  image: v.pipe(v.string(), v.minLength(1)),
  command: opt(strings),
  entryPoint: opt(strings),
  cpu: opt(int),
  memory: opt(int),
  essential: opt(v.boolean()),
  environment: opt(stringMap),
  portMappings: opt(v.array(portMapping)),
  mountPoints: opt(
    v.array(v.object({ sourceVolume: v.string(), containerPath: v.string(), readOnly: opt(v.boolean()) })),
  ),
  volumesFrom: opt(v.array(v.object({ sourceContainer: v.string(), readOnly: opt(v.boolean()) }))),
  links: opt(strings),
  dependsOn: opt(
    v.array(
      v.object({ containerName: v.string(), condition: v.picklist(["START", "COMPLETE", "SUCCESS", "HEALTHY"]) }),
    ),
  ),
  startTimeout: opt(int),
  stopTimeout: opt(int),
  dockerConfig: opt(dockerConfig),
  healthCheckType: opt(v.string()),
  restartPolicy: opt(
    v.object({ enabled: opt(v.boolean()), ignoredExitCodes: opt(v.array(int)), restartAttemptPeriod: opt(int) }),
  ),
  overrides: opt(v.string()),
  containerArn: opt(v.string()),
  environmentFiles: anything,
  secrets: anything,
  registryAuthentication: anything,
  logsAuthStrategy: opt(v.string()),
  firelensConfiguration: anything,
  managedAgents: anything,
  credentialSpecs: anything,
});

const volume = v.object({
  name,
  type: opt(v.string()),
  host: opt(v.object({ sourcePath: opt(v.string()) })),
  dockerVolumeConfiguration: opt(
    v.object({
      scope: opt(v.picklist(["task", "shared"])),
      autoprovision: opt(v.boolean()),
      driver: opt(v.string()),
      driverOpts: opt(stringMap),
      labels: opt(stringMap),
    }),
  ),
});

const taskSchema = v.object({
  arn: v.pipe(v.string(), v.regex(/^arn:[^:]*:ecs:[^:]*:[^:]*:task\/.+$/)),
  family: opt(v.string()),
  version: opt(v.string()),
  containers: v.pipe(v.array(container), v.minLength(1), v.maxLength(100)),
  volumes: opt(v.array(volume)),
  cpu: opt(v.pipe(v.number(), v.minValue(0))),
  memory: opt(v.pipe(int, v.minValue(0))),
  networkMode: opt(v.string()),
  pidMode: opt(v.string()),
  /** Berth's own: tell which images the containers have before they are fetched, where that can be known. */
  tellImages: opt(v.boolean()),
  ipcMode: opt(v.string()),
  launchType: opt(v.string()),
  serviceName: opt(v.string()),
  group: opt(v.string()),
  enableFaultInjection: opt(v.boolean()),
  roleCredentials: anything,
  elasticNetworkInterfaces: anything,
  proxyConfiguration: anything,
  associations: anything,
  attachments: anything,
});

const headSchema = v.object({
  arn: v.pipe(v.string(), v.minLength(1)),
  desiredStatus: opt(v.picklist(["RUNNING", "STOPPED"])),
});

export type TaskPayload = v.InferOutput<typeof taskSchema>;
export type ContainerPayload = v.InferOutput<typeof container>;
export type VolumePayload = v.InferOutput<typeof volume>;
export type PortMapping = v.InferOutput<typeof portMapping>;

/** A task of a payload message: one to start, one to stop, or one that makes no sense. */
export type PayloadTask =
  | { readonly kind: "start"; readonly arn: string; readonly task: TaskPayload }
  | { readonly kind: "stop"; readonly arn: string }
  /** `arn` is absent if not even that can be read: nothing can be reported about it. */
  | { readonly kind: "unrecognised"; readonly arn?: string; readonly problem: string };

/** Reads one entry of a PayloadMessage's `tasks` (agent protocol, 2.7). Of a task to stop only the ARN is looked at. */
export function readPayloadTask(entry: unknown): PayloadTask {
  const head = v.safeParse(headSchema, entry);
  if (!head.success) {
    const arn = (entry as { arn?: unknown } | null | undefined)?.arn;
    return {
      kind: "unrecognised",
      arn: typeof arn === "string" && arn ? arn : undefined,
      problem: v.summarize(head.issues),
    };
  }
  const { arn } = head.output;
  if (head.output.desiredStatus === "STOPPED") return { kind: "stop", arn };
  const task = v.safeParse(taskSchema, entry);
  if (!task.success) return { kind: "unrecognised", arn, problem: v.summarize(task.issues) };
  return { kind: "start", arn, task: task.output };
}
