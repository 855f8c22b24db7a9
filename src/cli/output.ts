import { styleText } from "node:util";

/** How a command's answer is written: a table for people, JSON for scripts. */
export type OutputFormat = "table" | "json";

/** One column of a table: its heading and what it shows of a row. */
export interface Column<Row> {
  readonly heading: string;
  readonly of: (row: Row) => string;
}

/** Lets `berth ps | head` end quietly: for commands that only show something, and lose nothing when they end. */
export function endWhenNobodyReads(): void {
  if (process.stdout.listeners("error").includes(endOnClosedPipe)) return;
  process.stdout.on("error", endOnClosedPipe);
}

function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}

/** Writes rows in the form that was asked for. JSON holds the whole rows, a table its columns. */
export function printRows<Row>(format: OutputFormat, rows: readonly Row[], columns: readonly Column<Row>[]): void {
  endWhenNobodyReads();
  if (format === "json") printJson(rows);
  else process.stdout.write(renderTable(rows, columns, process.stdout.isTTY === true));
}

/** Writes any value as JSON. */
export function printJson(value: unknown): void {
  endWhenNobodyReads();
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** A table with a heading line and columns as wide as their widest cell, two spaces apart. */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], styled: boolean): string {
  const cells = rows.map((row) => columns.map((column) => column.of(row)));
  const widths = columns.map((column, i) =>
    Math.max(column.heading.length, ...cells.map((line) => line[i]?.length ?? 0)),
  );
  const line = (parts: readonly string[]) =>
    parts
      .map((part, i) => (i === parts.length - 1 ? part : part.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  const heading = line(columns.map((column) => column.heading));
  return [styled ? styleText("bold", heading) : heading, ...cells.map(line)].map((text) => `${text}\n`).join("");
}

/** How long ago, in its largest unit: `42s`, `5m`, `3h`, `2d`; `-` when there is no date. */
export function age(date: Date | undefined, now: number): string {
  if (date === undefined) return "-";
  const seconds = Math.max(0, Math.round((now - date.getTime()) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}

/** The part of an ARN after its last slash. */
export function shortName(arn: string | undefined): string {
  return arn === undefined ? "-" : arn.slice(arn.lastIndexOf("/") + 1);
}
