import type { AccountSettingRecord } from "../model/account-setting.ts";
import type { BalancerRecord } from "../model/balancer.ts";
import type { CapacityProviderRecord } from "../model/capacity-provider.ts";
import {
  type AcmeAccountRecord,
  type CertificateRecord,
  type LocalAuthorityRecord,
  type ValidationRecord,
  validationRecordKey,
} from "../model/certificate.ts";
import type { ClusterRecord } from "../model/cluster.ts";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import {
  actionTargetGroups,
  type ListenerRecord,
  type ListenerRuleRecord,
  type LoadBalancerRecord,
  listenerCertificates,
  type TargetGroupRecord,
  type TargetRecord,
  targetKey,
} from "../model/load-balancer.ts";
import type { RequestTokenRecord } from "../model/request-token.ts";
import type { ServiceEventRecord, ServiceRecord } from "../model/service.ts";
import { isFinished, type ServiceDeploymentRecord, type ServiceRevisionRecord } from "../model/service-deployment.ts";
import type { TaskRecord } from "../model/task.ts";
import type { TaskDefinitionFamilyRecord, TaskDefinitionRecord } from "../model/task-definition.ts";
import { PlacementIndex } from "../scheduler/index.ts";
import type { Store, Transaction, View } from "./store.ts";
import { type Derived, table } from "./table.ts";

/** The instances and the tasks on them, as placing tasks needs them. */
const PLACEMENT: Derived<PlacementIndex> = {
  make: () => new PlacementIndex(),
  snapshot: (index) => index.snapshot(),
  copy: (index) => index.copy(),
};

/** The definitions of a service's deployments and task sets, and of what its lifecycle hooks run. */
function definitionsOf({ deployments, taskSets = [], shift }: ServiceRecord): string[] {
  const hooks = (shift?.hooks ?? []).flatMap(({ taskDefinitionArn }) => taskDefinitionArn ?? []);
  return [...[...deployments, ...taskSets.map((set) => set.deployment)].map((d) => d.taskDefinitionArn), ...hooks];
}

/** Every table of the control plane, its key and its indexes. An index that gives undefined leaves the record out. */
export const SCHEMA = {
  clusters: table<ClusterRecord>()({ key: (c) => c.arn }),
  accountSettings: table<AccountSettingRecord>()({ key: (s) => `${s.principal}|${s.name}` }),
  requestTokens: table<RequestTokenRecord>()({ key: (t) => t.key }),
  capacityProviders: table<CapacityProviderRecord>()({ key: (p) => p.arn, indexes: { name: (p) => p.name } }),
  taskDefinitionFamilies: table<TaskDefinitionFamilyRecord>()({ key: (f) => f.family }),
  taskDefinitions: table<TaskDefinitionRecord>()({
    key: (d) => d.arn,
    indexes: { family: (d) => d.family, status: (d) => d.status },
  }),
  containerInstances: table<ContainerInstanceRecord>()({
    key: (i) => i.arn,
    indexes: {
      /** Those that are not INACTIVE, by cluster. */
      cluster: (i) => (i.status === "INACTIVE" ? undefined : i.clusterArn),
      ec2InstanceId: (i) => (i.status === "INACTIVE" ? undefined : i.ec2InstanceId),
    },
    derived: {
      placement: {
        into: PLACEMENT,
        change: (index: PlacementIndex, before, after) => index.changeInstance(before, after),
      },
    },
  }),
  tasks: table<TaskRecord>()({
    key: (t) => t.arn,
    indexes: {
      /** `<cluster>|<desiredStatus>` */
      clusterDesired: (t) => `${t.clusterArn}|${t.desiredStatus}`,
      clusterStatus: (t) => `${t.clusterArn}|${t.lastStatus}`,
      /** Those that still hold resources there. */
      containerInstance: (t) => (t.lastStatus === "STOPPED" ? undefined : t.containerInstanceArn),
      instanceRunning: (t) =>
        t.desiredStatus === "RUNNING" && t.lastStatus === "RUNNING" ? t.containerInstanceArn : undefined,
      instancePending: (t) => (t.lastStatus === "PENDING" ? t.containerInstanceArn : undefined),
      /** Those that are not STOPPED. */
      service: (t) => (t.lastStatus === "STOPPED" ? undefined : t.serviceArn),
      /** STOPPED ones, of a service. */
      serviceStopped: (t) => (t.lastStatus === "STOPPED" ? t.serviceArn : undefined),
      /** STOPPED ones that their service has not yet counted in its deployment's failures. */
      serviceUnaccounted: (t) => (t.lastStatus === "STOPPED" && t.accounted !== true ? t.serviceArn : undefined),
      taskDefinition: (t) => (t.lastStatus === "STOPPED" ? undefined : t.taskDefinitionArn),
      stopped: (t) => (t.lastStatus === "STOPPED" ? "yes" : undefined),
    },
    derived: {
      placement: {
        into: PLACEMENT,
        change: (index: PlacementIndex, before, after) => index.changeTask(before, after),
      },
    },
  }),
  services: table<ServiceRecord>()({
    key: (s) => s.arn,
    indexes: {
      cluster: (s) => s.clusterArn,
      /** DAEMON services that are not INACTIVE, by cluster. */
      daemonCluster: (s) => (s.schedulingStrategy === "DAEMON" && s.status !== "INACTIVE" ? s.clusterArn : undefined),
      /** Those that are not INACTIVE, by every task definition that one of their deployments or hooks uses. */
      taskDefinition: (s) => (s.status === "INACTIVE" ? undefined : definitionsOf(s)),
      targetGroup: (s) => (s.status === "INACTIVE" ? undefined : s.loadBalancers.map((l) => l.targetGroupArn)),
    },
  }),
  serviceRevisions: table<ServiceRevisionRecord>()({
    key: (r) => r.arn,
    indexes: {
      service: (r) => r.serviceArn,
      unpinned: (r) => (r.pinning === undefined ? undefined : r.serviceArn),
    },
  }),
  serviceDeployments: table<ServiceDeploymentRecord>()({
    key: (d) => d.arn,
    indexes: {
      service: (d) => d.serviceArn,
      unfinished: (d) => (isFinished(d.status) ? undefined : d.serviceArn),
      targetRevision: (d) => d.targetRevisionArn,
      failedTaskUntold: (d) => (d.failedTask?.isTold === false ? "yes" : undefined),
    },
  }),
  serviceEvents: table<ServiceEventRecord>()({
    key: (e) => `${e.serviceArn}|${String(e.sequence).padStart(12, "0")}`,
    indexes: { service: (e) => e.serviceArn },
  }),
  balancers: table<BalancerRecord>()({ key: (b) => b.name }),
  loadBalancers: table<LoadBalancerRecord>()({ key: (l) => l.arn, indexes: { name: (l) => l.name } }),
  targetGroups: table<TargetGroupRecord>()({ key: (g) => g.arn, indexes: { name: (g) => g.name } }),
  listeners: table<ListenerRecord>()({
    key: (l) => l.arn,
    indexes: {
      loadBalancer: (l) => l.loadBalancerArn,
      targetGroup: (l) => actionTargetGroups(l.defaultActions),
      defaultRule: (l) => l.defaultRuleArn,
      certificate: (l) => listenerCertificates(l),
    },
  }),
  certificates: table<CertificateRecord>()({
    key: (c) => c.arn,
    indexes: {
      /** Those with an order under way. */
      ordered: (c) => (c.request?.order === undefined ? undefined : "yes"),
    },
  }),
  validationRecords: table<ValidationRecord>()({
    key: validationRecordKey,
    indexes: { certificate: (r) => r.certificateArn },
  }),
  acmeAccounts: table<AcmeAccountRecord>()({ key: (a) => a.directory }),
  localAuthorities: table<LocalAuthorityRecord>()({ key: (a) => a.id }),
  listenerRules: table<ListenerRuleRecord>()({
    key: (r) => r.arn,
    indexes: {
      listener: (r) => r.listenerArn,
      loadBalancer: (r) => r.loadBalancerArn,
      targetGroup: (r) => actionTargetGroups(r.actions),
    },
  }),
  targets: table<TargetRecord>()({
    key: targetKey,
    indexes: {
      targetGroup: (t) => t.targetGroupArn,
      task: (t) => t.taskArn,
      draining: (t) => (t.drainingSince === undefined ? undefined : "yes"),
    },
  }),
} as const;

export type BerthSchema = typeof SCHEMA;
export type BerthStore = Store<BerthSchema>;
export type BerthView = View<BerthSchema>;
export type BerthTransaction = Transaction<BerthSchema>;
