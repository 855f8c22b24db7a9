export type { Balancer, BalancerStatus } from "./balancer.ts";
export { type BalancerOptions, startBalancer } from "./driver.ts";
export type { HeaderSettings } from "./headers.ts";
export {
  type ContainerLauncherOptions,
  containerLauncher,
  haproxyVersion,
  type Launcher,
  localLauncher,
} from "./launcher.ts";
export {
  type BalancerProtocol,
  type BalancerState,
  BalancerStateError,
  type CertificateState,
  type HealthCheckState,
  type ListenerState,
  type TargetGroupState,
  type TargetReport,
  type TargetState,
  type TlsState,
} from "./state.ts";
export type { StickinessState } from "./stickiness.ts";
export type { ListenerAction, RuleCondition, RuleState } from "./traffic.ts";
