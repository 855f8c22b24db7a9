import type { Command } from "./command.ts";
import {
  type Certificates,
  certificateCommands,
  certificateFiles,
  wantedCertificates,
} from "./configuration/certificates.ts";
import { challengeEntries } from "./configuration/challenges.ts";
import { type MapContents, mapCommands, NO_SUCH_MAP, renderMap } from "./configuration/live-map.ts";
import { weightEntries } from "./configuration/weights.ts";
import type { HaproxyProcess } from "./process/haproxy.ts";
import type { BalancerState } from "./state.ts";
import type { Fleet } from "./targets/fleet.ts";
import { stickyServers } from "./targets/sticky-servers.ts";

type Tracks = Fleet["tracks"];

/** What HAProxy has, or is to have. */
interface Contents {
  /** The weights of forwards. */
  readonly weights: MapContents;
  /** What cookies lead to. */
  readonly sticky: MapContents;
  /** What ACME servers are answered. */
  readonly challenges: MapContents;
  readonly certificates: Certificates;
}

/** What changes in HAProxy without a reload and is no target: its maps and certificates. */
export class LiveContents {
  readonly #haproxy: HaproxyProcess;
  /** Undefined until HAProxy was asked: an adopted one, or one that refused a command. */
  #has: Contents | undefined;

  constructor(haproxy: HaproxyProcess) {
    this.#haproxy = haproxy;
  }

  /** What a worker that starts with `state` reads, and `took` for when it has. */
  ofState(state: BalancerState, tracks: Tracks) {
    const { files } = this.#haproxy;
    const wanted = wantedCertificates(state, files.certificates);
    const contents = { ...mapsOf(state, tracks), certificates: wanted };
    const certificates = certificateFiles(wanted);
    return {
      maps: new Map([
        [files.weights, renderMap(contents.weights)],
        [files.sticky, renderMap(contents.sticky)],
        [files.challenges, renderMap(contents.challenges)],
      ]),
      certificates,
      took: () => {
        this.#has = contents;
        this.#haproxy.keepCertificates(certificates);
      },
    };
  }

  /** The commands that bring `state` about. Of what HAProxy does not have, none: a reload brings it. */
  async commands(state: BalancerState, tracks: Tracks): Promise<Command[]> {
    const { files } = this.#haproxy;
    const wanted = { ...mapsOf(state, tracks), certificates: wantedCertificates(state, files.certificates) };
    this.#has ??= {
      weights: await this.#haproxy.map(files.weights),
      sticky: await this.#haproxy.map(files.sticky),
      challenges: await this.#haproxy.map(files.challenges),
      certificates: await this.#haproxy.certificates(wanted.certificates),
    };
    const has = this.#has;
    const weights = new Map([...has.weights].map(([entry, value]) => [entry, wanted.weights.get(entry) ?? value]));
    const { commands, after } = certificateCommands(has.certificates, wanted.certificates);
    this.#has = { ...wanted, weights, certificates: after };
    if (commands.length > 0) this.#haproxy.keepCertificates(certificateFiles(wanted.certificates));
    return [
      ...commands,
      ...mapCommands(files.weights, has.weights, weights),
      ...mapCommands(files.sticky, has.sticky, wanted.sticky),
      // Without an HTTP listener there is no such map.
      ...mapCommands(files.challenges, has.challenges, wanted.challenges, NO_SUCH_MAP),
    ];
  }

  /** HAProxy is asked anew what it has. */
  forget(): void {
    this.#has = undefined;
  }
}

const mapsOf = (state: BalancerState, tracks: Tracks) => ({
  weights: weightEntries(state),
  sticky: stickyServers(state, tracks),
  challenges: challengeEntries(state),
});
