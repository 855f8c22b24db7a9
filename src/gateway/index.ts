export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
export { DEFAULT_GATEWAY_SETTINGS, type GatewaySettings } from "./settings.ts";
export { ACS_PATH, TCS_PATH } from "./upgrade.ts";
