import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/**
 * The rooms of src/, top to bottom: a room imports only from rooms below it, and through their door, index.ts.
 * `server.ts`, with the files beside it that begin with `server-`, is the composition root.
 */
export const ROOMS = [
  ...[
    "cli",
    "server.ts",
    "console",
    "api",
    "gateway",
    "controllers",
    "capacity",
    "telemetry",
    "balancer",
    "certificates",
  ],
  ...["state", "store", "explain", "deployment", "scheduler", "model", "wire", "runtime"],
] as const;
/** Rooms whose files are open to all above. */
const OPEN = new Set(["model", "wire", "runtime"]);
/** Where processes are put together: they may reach past doors. */
const ENTRIES = new Set(["cli", "server.ts"]);
/** Rooms that decide and do nothing: no store, network, disk, clock or chance. */
const PURE = new Set(["model", "scheduler", "deployment", "explain"]);
/** What a pure room may run besides pure rooms. Types cost nothing at run time. */
const PURE_MAY_RUN = new Set(["wire/arn.ts", "runtime/assert-never.ts"]);
/** The agent is a program for another machine: it knows the wire and nothing of the control plane. */
const AGENT_MAY_IMPORT = new Set(["agent", "wire", "runtime"]);

/** One import of a source file. */
export interface Import {
  /** As written: "../store/index.ts", "node:fs", "pino". */
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** The imports in a module's text, re-exports and dynamic ones with a literal name included. */
export function importsOf(source: string): readonly Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const statements = code.matchAll(
    /^[ \t]*(?:import|export)\b(\s+type\b(?!\s*,|\s+from\b))?(?:[^;"'()=]*?\bfrom)?\s*["']([^"']+)["']/gm,
  );
  const dynamic = code.matchAll(/\bimport\(\s*["']([^"']+)["']/g);
  return [
    ...[...statements].map((match) => ({ specifier: match[2] ?? "", typeOnly: match[1] !== undefined })),
    ...[...dynamic].map((match) => ({ specifier: match[1] ?? "", typeOnly: false })),
  ];
}

/** What is wrong with an import, in words, or undefined. `file` is relative to src/, such as "api/ecs/tasks.ts". */
export function complaint(file: string, { specifier, typeOnly }: Import): string | undefined {
  const from = roomOf(file);
  if (!specifier.startsWith(".")) {
    if (PURE.has(from) && !typeOnly)
      return `${from} is pure: it may not run ${specifier}; take what it gives as an argument`;
    return undefined;
  }
  const target = join(dirname(file), specifier);
  if (/^\.\.\/(sim|test|bench)\//.test(target)) return `src may not import from ${target.slice(3)}: it judges src`;
  if (target.startsWith("..")) return undefined; // package.json and other files that are no source
  const to = roomOf(target);
  if (from === to) return undefined;
  if (from === "agent")
    return AGENT_MAY_IMPORT.has(to)
      ? undefined
      : `agent may import wire and runtime, not ${to}: it runs on another machine`;
  if (to === "agent") return from === "cli" ? undefined : `only cli starts the agent: ${from} may not import it`;
  const place = (room: string) => (ROOMS as readonly string[]).indexOf(room);
  if (place(from) < 0)
    return `${from} is no room: give it a place in ROOMS (scripts/check-arrows.ts) and in the design`;
  if (place(to) < 0) return `${to} is no room: give it a place in ROOMS (scripts/check-arrows.ts) and in the design`;
  if (place(to) < place(from)) return `${from} lies below ${to} and may not import from it`;
  if (PURE.has(from) && !typeOnly && !PURE.has(to) && !PURE_MAY_RUN.has(target))
    return `${from} is pure: from ${to} it may import types only`;
  if (!OPEN.has(to) && !ENTRIES.has(from) && target !== `${to}/index.ts` && to !== "server.ts")
    return `${to} is entered by its door, ${to}/index.ts, not by ${target}`;
  return undefined;
}

/**
 * What is wrong with an import of the simulator, whose files lie in sim/. It is put together like a process: from the server's
 * composition, rooms' doors and open rooms, and from nothing that tests alone use.
 */
export function simulatorComplaint({ specifier }: Import): string | undefined {
  const target = /^\.\.\/src\/(.+)$/.exec(specifier)?.[1];
  if (target === undefined)
    return /^\.\.\//.test(specifier) ? `sim may import from src alone, not ${specifier}` : undefined;
  if (target === "server-compose.ts") return undefined;
  const room = roomOf(target);
  const isDoor = target.endsWith("/index.ts") || target === "api/context.ts";
  if (room === "agent" || room === "cli" || room === "server.ts")
    return `sim simulates what ${room} does: it may not import it`;
  return OPEN.has(room) || isDoor ? undefined : `${room} is entered by its door, ${room}/index.ts, not by ${target}`;
}

/** "api" for "api/ecs/tasks.ts"; the files of the composition root, server-*.ts, are one room. */
function roomOf(file: string): string {
  return /^server(-[a-z-]+)?\.ts$/.test(file) ? "server.ts" : (file.split("/")[0] ?? file);
}

/**
 * The circles among modules: each a list of files that import one another, types included, by name. `imports` has a module's
 * imports that are modules too. A circle inside a circle is told with it.
 */
export function circles(imports: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const found: string[][] = [];
  const open: string[] = [];
  const low = new Map<string, number>();
  const closed = new Set<string>();
  const visit = (file: string): number => {
    const place = low.size;
    let lowest = place;
    low.set(file, place);
    open.push(file);
    for (const other of imports.get(file) ?? [])
      if (!closed.has(other)) lowest = Math.min(lowest, low.get(other) ?? visit(other));
    low.set(file, lowest);
    if (lowest < place) return lowest;
    const circle = open.splice(open.indexOf(file));
    for (const member of circle) closed.add(member);
    if (circle.length > 1) found.push(circle.sort());
    return lowest;
  };
  for (const file of imports.keys()) if (!closed.has(file)) visit(file);
  return found;
}

/** A complaint about each circle among the sources below `dir`. */
function checkCircles(dir: string): readonly string[] {
  const files = globSync("**/*.{ts,tsx}", { cwd: dir }).filter((file) => !/\.test\.tsx?$/.test(file));
  const known = new Set(files);
  const imports = new Map(
    files.sort().map((file) => {
      const statements = importsOf(readFileSync(join(dir, file), "utf8"));
      return [file, statements.map((s) => join(dirname(file), s.specifier)).filter((to) => known.has(to))] as const;
    }),
  );
  return circles(imports).map(
    (circle) => `${basename(dir)}: ${circle.join(", ")} import one another: put what they share in a file of its own`,
  );
}

/** All complaints about the sources below `src`, tests and what only they use aside, each with its file. */
export function checkArrows(src: string): readonly string[] {
  const files = globSync("**/*.{ts,tsx}", { cwd: src }).filter((file) => !/(\.test|\/testing)\.tsx?$/.test(file));
  return files.sort().flatMap((file) =>
    importsOf(readFileSync(join(src, file), "utf8")).flatMap((statement) => {
      const wrong = complaint(file, statement);
      return wrong === undefined ? [] : [`src/${file}: import "${statement.specifier}": ${wrong}`];
    }),
  );
}

/** All complaints about the simulator's sources. */
export function checkSimulator(sim: string): readonly string[] {
  return globSync("**/*.ts", { cwd: sim })
    .sort()
    .flatMap((file) =>
      importsOf(readFileSync(join(sim, file), "utf8")).flatMap((statement) => {
        const wrong = simulatorComplaint(statement);
        return wrong === undefined ? [] : [`sim/${file}: import "${statement.specifier}": ${wrong}`];
      }),
    );
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  const complaints = [
    ...checkArrows(join(root, "src")),
    ...checkSimulator(join(root, "sim")),
    ...["src", "sim", "bench"].flatMap((dir) => checkCircles(join(root, dir))),
  ];
  for (const line of complaints) console.error(line);
  if (complaints.length > 0)
    console.error(`${complaints.length} arrows point the wrong way (${relative(process.cwd(), import.meta.filename)})`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
