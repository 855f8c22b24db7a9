/** Where a Docker daemon listens. */
export type DockerEndpoint =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/**
 * Reads `unix:///path`, a bare absolute path, `tcp://host:port` or `http://host:port` (port 2375 when absent).
 * Throws an Error that names what is wrong with anything else; TLS (`https://`) is not spoken.
 */
export function parseDockerHost(text: string): DockerEndpoint {
  if (text.startsWith("/")) return { kind: "socket", path: text };
  const unix = /^unix:\/\/(\/.+)$/.exec(text);
  if (unix?.[1]) return { kind: "socket", path: unix[1] };
  if (/^(tcp|http):\/\//.test(text)) {
    let url: URL;
    try {
      url = new URL(text.replace(/^tcp:/, "http:"));
    } catch {
      throw new Error(`Docker host "${text}" is not a valid address`);
    }
    if (url.pathname !== "/" || url.search || url.username)
      throw new Error(`Docker host "${text}" may only hold a host and a port`);
    return { kind: "tcp", host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 2375) };
  }
  if (text.startsWith("https://")) throw new Error(`Docker host "${text}": TLS to the Docker daemon is not supported`);
  throw new Error(`Docker host "${text}" must be unix:///path/to/socket, tcp://host:port or http://host:port`);
}
