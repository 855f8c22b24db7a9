const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN_NAME = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);

/** Whether it is a DNS name in lower case, with `*.` before it or not. An address is none: a name's last label is no number. */
export function isDomainName(name: string): boolean {
  return name.length <= 253 && DOMAIN_NAME.test(name) && !/(^|\.)\d+$/.test(name);
}

export const isWildcard = (name: string): boolean => name.startsWith("*.");

/** The name without `*.`. */
export const withoutWildcard = (name: string): string => (isWildcard(name) ? name.slice(2) : name);

/** What ends names that no public authority issues certificates for. Source: RFC 6761, RFC 6762, RFC 8375, ICANN (internal). */
const LOCAL_ENDS = ["localhost", "local", "test", "internal", "home.arpa"];

/** Whether the name means something on this network only: it has no dot, or one of the ends that are kept for that. */
export function isLocalName(name: string): boolean {
  const bare = withoutWildcard(name);
  return !bare.includes(".") || LOCAL_ENDS.some((end) => bare === end || bare.endsWith(`.${end}`));
}
