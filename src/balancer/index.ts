export type { Balancer, BalancerStatus } from "./balancer.ts";
export { type BalancerOptions, startBalancer } from "./driver.ts";
export {
  type ContainerLauncherOptions,
  containerLauncher,
  haproxyVersion,
  type Launcher,
  localLauncher,
} from "./launcher.ts";
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
export type { ListenerAction, RuleCondition, RuleState } from "./traffic.ts";
export { BalancerStateError } from "./validate-state.ts";
