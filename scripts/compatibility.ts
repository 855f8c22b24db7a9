import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { berthApiPage } from "../src/api/berth/documentation.ts";
import { compatibilityPage } from "../src/api/compatibility.ts";

/** Writes docs/compatibility.md from the tables of what is carried out, and docs/api.md from the model of Berth's own API. */
const docs = join(import.meta.dirname, "../docs");
writeFileSync(join(docs, "compatibility.md"), compatibilityPage());
writeFileSync(join(docs, "api.md"), berthApiPage());
