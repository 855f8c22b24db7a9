import type { Operation } from "./operation.ts";

/** The quotas that this API enforces. Source: ELB quotas. */
export const describeAccountLimits: Operation<"DescribeAccountLimits"> = () => ({
  Limits: [
    { Name: "application-load-balancers", Max: "50" },
    { Name: "listeners-per-application-load-balancer", Max: "50" },
    { Name: "rules-per-application-load-balancer", Max: "100" },
    { Name: "condition-values-per-alb-rule", Max: "5" },
    { Name: "condition-wildcards-per-alb-rule", Max: "5" },
    { Name: "target-groups", Max: "3000" },
    { Name: "target-groups-per-action-on-application-load-balancer", Max: "5" },
    { Name: "target-groups-per-application-load-balancer", Max: "100" },
    { Name: "targets-per-application-load-balancer", Max: "1000" },
  ],
});
