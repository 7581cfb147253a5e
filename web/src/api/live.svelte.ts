import { onSignedOut, projectOf } from "./http";
import { EventStreamReader } from "./sse";
import type { Disk, FirewallGroup, Host, Image, Iso, Network, Operation, PlacementRule, Pool, Project, Snapshot, Vm, WatchChange } from "./types";

/** All objects of one kind, always as they are now: the list is replaced at most once a frame, however many changes come. */
export class Collection<T extends { id?: string }> {
  readonly byId = new Map<string, T>();
  /** In no order. A new array after each change. */
  items = $state.raw<T[]>([]);
  #changed = false;

  put(id: string, value: T) {
    this.byId.set(id, value);
    this.#changed = true;
  }

  delete(id: string) {
    this.#changed = this.byId.delete(id) || this.#changed;
  }

  clear() {
    this.#changed ||= this.byId.size > 0;
    this.byId.clear();
  }

  publish() {
    if (!this.#changed) return;
    this.#changed = false;
    this.items = [...this.byId.values()];
  }

  /** The object as of now; follows its changes where it is read in a component. */
  get(id: string | null | undefined): T | undefined {
    void this.items;
    return id == null ? undefined : this.byId.get(id);
  }
}

export const vms = new Collection<Vm>();
export const hosts = new Collection<Host>();
export const disks = new Collection<Disk>();
export const pools = new Collection<Pool>();
export const networks = new Collection<Network>();
export const images = new Collection<Image>();
export const isos = new Collection<Iso>();
export const snapshots = new Collection<Snapshot>();
export const operations = new Collection<Operation>();
export const projects = new Collection<Project & { id?: string }>();
export const placementRules = new Collection<PlacementRule>();
export const firewallGroups = new Collection<FirewallGroup>();

const collections: Record<string, Collection<{ id?: string }>> = {
  vms, hosts, disks, pools, networks, images, isos, snapshots, operations, projects, "placement-rules": placementRules, "firewall-groups": firewallGroups,
} as never;

projectOf.call = (kind, id) => (collections[kind]?.byId.get(id) as { project?: string } | undefined)?.project;

export type LineState = "connecting" | "live" | "broken";

/** The one stream that keeps every view of this page as it is now. It comes back by itself. */
class Line {
  state = $state<LineState>("connecting");
  /** All objects of the beginning are there. */
  synced = $state(false);
  #end: AbortController | null = null;
  #seen: Map<string, Set<string>> | null = null;
  #waiting = false;

  start() {
    this.stop();
    this.#end = new AbortController();
    void this.#run(this.#end.signal);
  }

  stop() {
    this.#end?.abort();
    this.#end = null;
  }

  async #run(signal: AbortSignal) {
    for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 8000)) {
      try {
        const response = await fetch(`/v1/watch?project=*&kinds=${Object.keys(collections).join(",")}`, { signal, headers: { Accept: "text/event-stream" } });
        if (response.status === 401) {
          void onSignedOut.call();
          return;
        }
        if (!response.ok || !response.body) throw new Error(response.statusText);
        this.#seen = new Map();
        for await (const data of new EventStreamReader(response.body)) {
          pause = 500;
          this.#apply(JSON.parse(data) as WatchChange);
        }
      } catch {
        if (signal.aborted) return;
      }
      this.state = "broken";
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  #apply(change: WatchChange) {
    if (change.action === "resync") this.#seen = new Map();
    else if (change.action === "synced") this.#settle();
    else if (change.kind && change.id) {
      const collection = collections[change.kind];
      if (!collection) return;
      if (change.action === "put") {
        collection.put(change.id, change.object as never);
        this.#seenOf(change.kind)?.add(change.id);
      } else collection.delete(change.id);
    }
    this.#publishSoon();
  }

  /** What an earlier stream told and this one did not is gone; until now it stayed on the screen. */
  #settle() {
    for (const [kind, collection] of Object.entries(collections)) {
      const seen = this.#seen?.get(kind);
      for (const id of [...collection.byId.keys()]) if (!seen?.has(id)) collection.delete(id);
    }
    this.#seen = null;
    this.#publish(); // who waits for this finds everything there
    this.state = "live";
    this.synced = true;
  }

  #seenOf(kind: string) {
    if (!this.#seen) return undefined;
    let set = this.#seen.get(kind);
    if (!set) this.#seen.set(kind, (set = new Set()));
    return set;
  }

  /** Ten times a second is as often as a person can read; a hidden page is drawn once a second. */
  #publishSoon() {
    if (this.#waiting) return;
    this.#waiting = true;
    setTimeout(() => {
      this.#waiting = false;
      this.#publish();
    }, document.hidden ? 1000 : 100);
  }

  #publish() {
    for (const collection of Object.values(collections)) collection.publish();
  }
}

export const line = new Line();
