import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where Berth keeps its state unless told otherwise: BERTH_DATA_DIR, else /var/lib/berth for root and ~/.berth for
 * anyone else.
 */
export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  if (env.BERTH_DATA_DIR !== undefined && env.BERTH_DATA_DIR !== "") return env.BERTH_DATA_DIR;
  return process.getuid?.() === 0 ? "/var/lib/berth" : join(homedir(), ".berth");
}

/** The file in a server's data directory with the root certificate of its authority for local names. */
export const LOCAL_ROOT_FILE = "local-ca.pem";
