import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generatedFiles } from "./generate/files.ts";

// Writes the models of the AWS services that Berth speaks, out of the pinned SDK packages. Run it after an SDK upgrade.
const directory = path.join(import.meta.dirname, "../src/wire/models");
mkdirSync(directory, { recursive: true });
for (const [name, text] of generatedFiles()) {
  writeFileSync(path.join(directory, name), text);
  console.log(`src/wire/models/${name}: ${text.length} characters`);
}
