import type { BalancerStatus, TargetReport } from "../balancer/index.ts";
import type { AgentsHeard } from "../controllers/index.ts";
import type { DeploymentSettings } from "../deployment/index.ts";
import type { TaskLogsAnswer, TaskLogsRequest } from "../gateway/index.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Sealer } from "../runtime/sealer.ts";
import type { BerthStore } from "../store/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

/** Who calls: the holder of an access key. */
export interface Principal {
  readonly accessKeyId: string;
  /** `arn:aws:iam::<account>:root` or a user. */
  readonly arn: string;
}

/** Whose resources these are: the parts that every ARN starts with. */
export interface AccountScope {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/** What every operation may use. */
export interface ApiContext {
  readonly store: BerthStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly scope: AccountScope;
  /** Signs pagination tokens. */
  readonly pageSecret: string;
  /** Encrypts private keys before they are stored. */
  readonly sealer: Sealer;
  /** How the outside of the control plane behaves, as operations need it. */
  readonly balancer: BalancerFacts;
  /** Who issues certificates. */
  readonly certificates: CertificateFacts;
  readonly taskLogs: TaskLogs;
  /** What load balancers carry and have carried. */
  readonly telemetry: Telemetry;
  /** How services are looked at, for those who explain them. */
  readonly services: ServiceWatch;
}

/** What the controllers go by beside the records. */
export interface ServiceWatch {
  readonly settings: DeploymentSettings;
  /** What is heard of hosts; without it none counts as silent. */
  readonly agents?: AgentsHeard;
  /** Hosts whose tasks are not replaced for now, because many hosts went at once. */
  heldHosts(): ReadonlySet<ContainerInstanceArn>;
}

/** Where the operations of CloudWatch Logs read what containers wrote. */
export interface TaskLogs {
  /** Asks the agent of the instance. Never rejects. */
  read(instance: ContainerInstanceArn, request: TaskLogsRequest): Promise<TaskLogsAnswer>;
}

/** What operations must know of the balancers beside the records. */
export interface BalancerFacts {
  /** The address that new load balancers bind, such as 127.0.0.1. */
  readonly address: string;
  /** Why nothing can listen there, or undefined if the port is free. */
  checkBind(address: string, port: number): Promise<string | undefined>;
  /** How the balancer of that name is; undefined while it is not connected. */
  status(name: string): BalancerStatus | undefined;
  /** What it says of targets; nothing while it is not connected. */
  reports(name: string): readonly TargetReport[];
  /** Ends the session of the balancer of that name, if it has one. */
  drop(name: string): void;
}

/** What RequestCertificate must know of who issues certificates for names that are not local. */
export interface CertificateFacts {
  /** There is an ACME server. */
  readonly hasAcmeServer: boolean;
  /** There is a program that sets TXT records. */
  readonly hasDnsHook: boolean;
}

/** What is known of one call beside its input. */
export interface Call {
  readonly principal: Principal;
  readonly requestId: string;
  /** The caller's address. */
  readonly sourceIp: string;
  /** The Host header: how the caller reached us. */
  readonly host: string;
  readonly userAgent: string;
  /** Whether the caller reached us over TLS. */
  readonly secure: boolean;
}
