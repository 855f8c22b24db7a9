import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compatibilityPage } from "../src/api/compatibility.ts";

/** Writes docs/compatibility.md from the tables of what is carried out. */
writeFileSync(join(import.meta.dirname, "../docs/compatibility.md"), compatibilityPage());
