import { agentMain } from "../../src/agent/index.ts";

process.exitCode = await agentMain(process.argv.slice(2), process.env);
