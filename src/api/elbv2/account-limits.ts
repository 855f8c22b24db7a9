import type { Operation } from "./operation.ts";

/** The quotas that this API enforces. Source: ELB quotas. */
export const describeAccountLimits: Operation<"DescribeAccountLimits"> = () => ({
  Limits: [
    { Name: "application-load-balancers", Max: "50" },
    { Name: "listeners-per-application-load-balancer", Max: "50" },
    { Name: "target-groups", Max: "3000" },
    { Name: "targets-per-application-load-balancer", Max: "1000" },
  ],
});
