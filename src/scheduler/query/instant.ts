const FORM = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * The second that a date of the query language begins at or stands for, in milliseconds since 1970; undefined for what is
 * no date. Without a zone it is UTC (our choice), without a time it is midnight. Source: ECS developer guide, registeredAt.
 */
export function instantOf(text: string): number | undefined {
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const zone = /^([+-])(\d{2}):(\d{2})$/.exec(parts[7] ?? "");
  const offset = zone === null ? 0 : (Number(zone[2]) * 60 + Number(zone[3])) * (zone[1] === "-" ? -1 : 1);
  const local = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second);
  const back = new Date(local);
  // A day or an hour that there is not, such as February 30, would roll over into another.
  const isReal = back.getUTCMonth() + 1 === month && back.getUTCDate() === day && back.getUTCHours() === hour;
  return isReal && (minute ?? 0) < 60 && (second ?? 0) < 60 ? local - offset * 60_000 : undefined;
}
