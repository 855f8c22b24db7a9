import type { Clock } from "../../runtime/clock.ts";
import {
  type ContainerEvent,
  type ContainerFacts,
  type ContainerRuntime,
  type ContainerSpec,
  type LogLine,
  RuntimeError,
  type RuntimeHost,
  type VolumeSpec,
  type WatchHandlers,
} from "../container-runtime.ts";

/** A container in the fake daemon. */
export interface FakeContainer {
  id: string;
  spec: ContainerSpec;
  state: "created" | "running" | "exited";
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  oomKilled: boolean;
  health?: "HEALTHY" | "UNHEALTHY";
  /** What it wrote, oldest first. */
  lines?: LogLine[];
}

/** A container engine in memory, for tests: it outlives the agents that are connected to it, as a daemon does. */
export interface FakeDaemon {
  /** A connection of one agent. Before and after each call's effect `step` is asked; what it throws, or waits for, the call does. */
  connect(step?: (call: string, when: "before" | "after") => void | Promise<void>): ContainerRuntime;
  readonly containers: Map<string, FakeContainer>;
  readonly volumes: Map<string, VolumeSpec>;
  readonly images: Map<string, { repoDigests: string[] }>;
  /** What the registry answers for a reference; without an entry it has no such image. */
  readonly registry: Map<string, string>;
  /** Every call that had its effect, as "start web" with the container's name in the task. */
  readonly calls: string[];
  /** Why a start of a container with this name (in its task) fails. */
  readonly startFailures: Map<string, string>;
  readonly pullFailures: Map<string, RuntimeError>;
  exit(container: FakeContainer, exitCode: number, oomKilled?: boolean): void;
  setHealth(container: FakeContainer, health: "HEALTHY" | "UNHEALTHY"): void;
  /** By its name in the task. */
  named(name: string): FakeContainer;
  /** While down, calls fail as unreachable and streams are lost. */
  setDown(down: boolean): void;
}

const FAKE_HOST: RuntimeHost = {
  ...{ cpus: 2, memoryBytes: 2 ** 33, volumeDrivers: ["local"], rootless: false, kernel: "fake" },
  ...{ cgroupDriver: "none", cgroupVersion: "1", operatingSystem: "fake" },
};

const NAME_LABEL = "com.amazonaws.ecs.container-name";

export function fakeDaemon(clock: Clock): FakeDaemon {
  const containers = new Map<string, FakeContainer>();
  const volumes = new Map<string, VolumeSpec>();
  const images = new Map([["image", { repoDigests: [] as string[] }]]);
  const registry = new Map<string, string>();
  const calls: string[] = [];
  const startFailures = new Map<string, string>();
  const pullFailures = new Map<string, RuntimeError>();
  const watchers = new Set<{ label: string; handlers: WatchHandlers }>();
  let down = false;
  let ids = 0;
  let port = 40_000;

  const nameOf = (it: FakeContainer) => it.spec.labels[NAME_LABEL] ?? it.spec.name;
  const matches = (it: FakeContainer, label: string) => {
    const [name = "", value] = label.split("=");
    return value === undefined ? name in it.spec.labels : it.spec.labels[name] === value;
  };
  function find(idOrName: string): FakeContainer | undefined {
    return containers.get(idOrName) ?? [...containers.values()].find((it) => it.spec.name === idOrName);
  }
  function emit(container: FakeContainer, action: ContainerEvent["action"]): void {
    for (const { label, handlers } of watchers)
      if (matches(container, label)) queueMicrotask(() => handlers.onEvent({ id: container.id, action }));
  }
  function exit(container: FakeContainer, exitCode: number, oomKilled = false): void {
    Object.assign(container, { state: "exited", exitCode, oomKilled, finishedAt: clock.now() });
    emit(container, "die");
  }
  function must(id: string): FakeContainer {
    const container = find(id);
    if (!container) throw new RuntimeError("not-found", `No such container: ${id}`);
    return container;
  }

  function connect(
    step: (call: string, when: "before" | "after") => void | Promise<void> = () => undefined,
  ): ContainerRuntime {
    /** Each call is a turn of the event loop away, like a socket. */
    async function call<T>(name: string, effect: () => T): Promise<T> {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (down) throw new RuntimeError("unreachable", "the daemon is down");
      await step(name, "before");
      const result = effect();
      await step(name, "after");
      return result;
    }
    return {
      version: () => call("version", () => ({ version: "fake", apiVersion: "1.41" })),
      host: () => call("host", () => FAKE_HOST),
      ping: () => call("ping", () => undefined),
      image: (reference) =>
        call("image", () => {
          const image = images.get(reference);
          return image && { id: `sha256:${reference}`, repoDigests: image.repoDigests, environment: [] };
        }),
      registryDigest: (reference) =>
        call("registryDigest", () => {
          const digest = registry.get(reference);
          if (digest === undefined) throw new RuntimeError("not-found", "manifest unknown");
          return digest;
        }),
      pull: (reference) =>
        call("pull", () => {
          calls.push(`pull ${reference}`);
          const failure = pullFailures.get(reference);
          if (failure) throw failure;
          images.set(reference, { repoDigests: ["sha256:pulled"] });
        }),
      create: (spec) =>
        call("create", () => {
          if (find(spec.name))
            throw new RuntimeError("conflict", `Conflict. The container name "${spec.name}" is already in use`);
          const container: FakeContainer = { id: `id${++ids}`, spec, state: "created", oomKilled: false };
          containers.set(container.id, container);
          calls.push(`create ${nameOf(container)}`);
          emit(container, "create");
          return container.id;
        }),
      start: (id) =>
        call("start", () => {
          const container = must(id);
          const failure = startFailures.get(nameOf(container));
          if (failure) throw new RuntimeError("failed", failure);
          if (container.state === "running") return;
          Object.assign(container, {
            state: "running",
            startedAt: clock.now(),
            exitCode: undefined,
            finishedAt: undefined,
          });
          calls.push(`start ${nameOf(container)}`);
          emit(container, "start");
        }),
      stop: (id) =>
        call("stop", () => {
          const container = must(id);
          if (container.state !== "running") return;
          calls.push(`stop ${nameOf(container)}`);
          exit(container, 143);
        }),
      kill: (id) => call("kill", () => exit(must(id), 137)),
      remove: (id) =>
        call("remove", () => {
          const container = find(id);
          if (!container) return;
          containers.delete(container.id);
          calls.push(`remove ${nameOf(container)}`);
          emit(container, "destroy");
        }),
      inspect: (id) => call("inspect", () => factsOf(find(id))),
      list: (label) =>
        call("list", () =>
          [...containers.values()]
            .filter((it) => matches(it, label))
            .map((it) => ({ id: it.id, name: it.spec.name, labels: it.spec.labels, state: it.state })),
        ),
      createVolume: (volume) => call("createVolume", () => void volumes.set(volume.name, volume)),
      hasVolume: (name) => call("hasVolume", () => volumes.has(name)),
      removeVolume: (name) => call("removeVolume", () => void volumes.delete(name)),
      stats: () => call("stats", () => undefined),
      logs: () => call("logs", () => ""),
      async *logLines(id, { tail, sinceMs = 0 }) {
        const all = await call("logLines", () => must(id).lines ?? []);
        for (const line of all.slice(tail === undefined ? 0 : -tail)) if (line.timestamp >= sinceMs) yield line;
      },
      watch(label, handlers) {
        const watcher = { label, handlers };
        watchers.add(watcher);
        if (!down) queueMicrotask(() => watchers.has(watcher) && handlers.onConnected());
        return () => void watchers.delete(watcher);
      },
    };
  }

  function factsOf(it: FakeContainer | undefined): ContainerFacts | undefined {
    if (!it) return undefined;
    return {
      id: it.id,
      name: it.spec.name,
      labels: it.spec.labels,
      imageId: `sha256:${it.spec.image}`,
      state: it.state,
      startedAt: it.startedAt,
      finishedAt: it.finishedAt,
      exitCode: it.exitCode,
      oomKilled: it.oomKilled,
      health: it.health && { status: it.health },
      bindings: it.spec.ports.map((wish) => ({
        bindIP: "0.0.0.0",
        containerPort: wish.containerPort,
        hostPort: wish.hostPort ?? port++,
        protocol: wish.protocol,
      })),
      networks: [],
    };
  }

  return {
    connect,
    containers,
    volumes,
    images,
    registry,
    calls,
    startFailures,
    pullFailures,
    exit,
    setHealth(container, health) {
      container.health = health;
      emit(container, "health");
    },
    named: (name) => {
      const found = [...containers.values()].find((it) => nameOf(it) === name);
      if (!found) throw new Error(`the fake daemon has no container ${name}`);
      return found;
    },
    setDown(value) {
      down = value;
      for (const { handlers } of watchers)
        queueMicrotask(() => (value ? handlers.onLost(new Error("the daemon is down")) : handlers.onConnected()));
    },
  };
}
