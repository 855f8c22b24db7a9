import type { BerthShape } from "../wire/models/berth.ts";
import { renderTable } from "./output.ts";

/** What explanations and plans have in common. */
interface Explained {
  readonly summary: string;
  readonly findings: readonly BerthShape<"Finding">[];
  readonly fixes: readonly string[];
}

/** The summary, what else was found, and what can be done: one line each, with a line break at the end of each. */
export function explanationLines({ summary, findings, fixes }: Explained): string {
  const others = findings.filter(({ text }) => !summary.includes(text));
  const lines = [
    summary,
    ...(others.length > 0 ? ["", ...others.map(({ text }) => `- ${asSentence(text)}`)] : []),
    ...(fixes.length > 0 ? ["", "What helps:", ...fixes.map((fix) => `- ${asSentence(fix)}`)] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** Every instance and what it lacks; empty where placement is not the question. */
export function fitTable(instances: readonly BerthShape<"InstanceFit">[], styled: boolean): string {
  if (instances.length === 0) return "";
  return renderTable(
    instances,
    [
      { heading: "HOST", of: (i) => i.host },
      { heading: "FITS", of: (i) => (i.fits ? "yes" : "no") },
      { heading: "LACKS", of: (i) => i.lacks.join("; ") || "-" },
    ],
    styled,
  );
}

function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…`]$/.test(text) ? "" : "."}`;
}
