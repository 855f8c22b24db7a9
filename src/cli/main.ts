import { runCommandLine } from "./program.ts";

process.exitCode = await runCommandLine(process.argv.slice(2));
// A command that failed half way may have left something open that would keep the process alive.
if (process.exitCode !== 0) process.exit();
