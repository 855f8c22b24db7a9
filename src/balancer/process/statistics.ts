/** One server as `show stat` tells it. */
export interface ServerRow {
  readonly backend: string;
  readonly name: string;
  /** `UP`, `UP 1/3`, `DOWN`, `DOWN 1/2`, `DRAIN`, `MAINT`, `NOLB`, `no check`. */
  readonly status: string;
  readonly sessions: number;
  /** The last check's result, e.g. `L7OK`, `L7STS`, `L4TOUT`; `INI` before the first; `HANA` if connections failed. Empty without checks. */
  readonly checkStatus: string;
  /** The HTTP status that the last check got, if it got one. */
  readonly checkCode: string;
  /** How often failed connections, not checks, have moved it since the worker started. */
  readonly markDowns: number;
}

/** The fields of a CSV line: a field may stand in double quotes, with a double quote in it doubled. */
export function csvFields(line: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; at += 1) {
    let field = "";
    if (line[at] === '"') {
      at += 1;
      while (at < line.length && !(line[at] === '"' && line[at + 1] !== '"')) {
        if (line[at] === '"') at += 1;
        field += line[at];
        at += 1;
      }
      at += 1;
    } else {
      const end = line.indexOf(",", at);
      field = line.slice(at, end === -1 ? line.length : end);
      at += field.length;
    }
    fields.push(field);
  }
  return fields;
}

/** The first `count` fields of a CSV line. With thousands of servers it matters that the usual line has no quote among them. */
function firstFields(line: string, count: number): string[] {
  const fields: string[] = [];
  let from = 0;
  while (fields.length < count) {
    const end = line.indexOf(",", from);
    if (end === -1 || line[from] === '"') return csvFields(line);
    fields.push(line.slice(from, end));
    from = end + 1;
  }
  return fields;
}

/** The named columns of each row of an answer to `show stat`, in the order of `names`. Throws if it is no such answer. */
export function statisticsColumns(answer: string, names: readonly string[]): string[][] {
  const [header, ...lines] = answer.split("\n");
  if (header === undefined || !header.startsWith("# pxname,svname,"))
    throw new Error(`not statistics: ${JSON.stringify(answer.slice(0, 200))}`);
  const all = header.slice(2).split(",");
  const columns = names.map((name) => {
    const index = all.indexOf(name);
    if (index === -1) throw new Error(`statistics without ${name}`);
    return index;
  });
  const wanted = 1 + Math.max(...columns);
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const fields = firstFields(line, wanted);
      return columns.map((index) => fields[index] ?? "");
    });
}

const SERVER_COLUMNS = ["pxname", "svname", "status", "scur", "check_status", "check_code", "hanafail"] as const;

/** The servers in an answer to `show stat -1 4 -1`. Throws if it is no such answer. */
export function parseServers(answer: string): ServerRow[] {
  return statisticsColumns(answer, SERVER_COLUMNS).map(
    ([backend = "", name = "", status = "", sessions, checkStatus = "", checkCode = "", markDowns]) => ({
      backend,
      name,
      status,
      sessions: Number(sessions),
      // A check under way is told as `* ` before the result of the one before it.
      checkStatus: checkStatus.replace(/^\* /, ""),
      checkCode,
      markDowns: Number(markDowns),
    }),
  );
}

/** What `show info` says of the worker that answered. */
export interface WorkerInfo {
  readonly pid: number;
  readonly version: string;
  readonly description: string;
  readonly stopping: boolean;
  /** Clients' connections, those to the command sockets not counted. */
  readonly connections: number;
}

export function parseInfo(answer: string): WorkerInfo {
  const fields = new Map<string, string>();
  for (const line of answer.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 2));
  }
  const pid = Number(fields.get("pid"));
  if (!Number.isInteger(pid) || pid < 1) throw new Error(`not worker information: ${JSON.stringify(answer)}`);
  return {
    pid,
    version: fields.get("version") ?? "",
    description: fields.get("description") ?? "",
    stopping: fields.get("stopping") === "1",
    connections: Number(fields.get("currconns")),
  };
}

/** What `show proc` on the master socket says. */
export interface Processes {
  readonly master: number;
  /** Reloads that did not bring up a worker, since the last that did. */
  readonly failedReloads: number;
  /** Workers that a reload retired and that still have connections. */
  readonly retired: readonly number[];
}

export function parseProcesses(answer: string): Processes {
  const master = /^(\d+)\s+master\s+\d+(?: \[failed: (\d+)\])?/m.exec(answer);
  if (master === null) throw new Error(`not a list of processes: ${JSON.stringify(answer)}`);
  const old = answer.split(/^# old workers\s*$/m)[1] ?? "";
  const retired = [...old.split(/^# programs/m)[0]!.matchAll(/^(\d+)\s+worker\b/gm)].map((match) => Number(match[1]));
  return { master: Number(master[1]), failedReloads: Number(master[2] ?? 0), retired };
}

/** One session in an answer to `show sess`. */
export interface SessionRow {
  readonly id: string;
  readonly backend: string;
  readonly server: string;
}

export function parseSessions(answer: string): SessionRow[] {
  return [...answer.matchAll(/^(0x[0-9a-f]+): .*? be=(\S+) srv=(\S+)/gm)].map(([, id, backend, server]) => ({
    id: id ?? "",
    backend: backend ?? "",
    server: server ?? "",
  }));
}
