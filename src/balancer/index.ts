export type { AccessRecord } from "./access-record.ts";
export type { Balancer, BalancerStatus } from "./balancer.ts";
export { CARRIER_NAME, OWN_NAME } from "./carriers/admission.ts";
export {
  type Carrier,
  type Carriers,
  type CarriersOptions,
  type CarriersWatcher,
  createCarriers,
} from "./carriers/carriers.ts";
export { type CarrierHost, type CarrierHostOptions, startCarrierHost } from "./carriers/host.ts";
export { type KeptState, openKeptState } from "./carriers/kept-state.ts";
export { CARRIER_PATH } from "./carriers/messages.ts";
export { ruleKeyOf } from "./configuration/weights.ts";
export { type BalancerOptions, startBalancer } from "./driver.ts";
export type { ListenerAction, RuleCondition, RuleState } from "./listener-rules.ts";
export { bucketBounds, bucketOf, type Latency, LatencySum } from "./metering/latency.ts";
export { Settling } from "./metering/settling.ts";
export {
  CODE_CLASSES,
  type CodeClass,
  type Codes,
  type ListenerTraffic,
  type TargetGroupTraffic,
  type TargetTraffic,
  type TrafficSample,
} from "./metering/traffic-sample.ts";
export {
  type ContainerLauncherOptions,
  containerLauncher,
  haproxyVersion,
  type Launcher,
  localLauncher,
} from "./process/launcher.ts";
export type {
  BalancerProtocol,
  BalancerState,
  CertificateState,
  ChallengeState,
  HeaderSettings,
  HealthCheckState,
  ListenerState,
  StickinessState,
  TargetGroupState,
  TargetReport,
  TargetState,
  TlsState,
} from "./state.ts";
export { BalancerStateError } from "./validate-state.ts";
