import { ApiError, get, onSignedOut, post, remove } from "../api/http";
import { line, projects } from "../api/live.svelte";
import type { WhoAmI } from "../api/types";
import { allows, defaultProject, workshops, type Permission } from "./rights";

/** Who uses this page. */
class Session {
  state = $state<"unknown" | "signedOut" | "expired" | "signedIn">("unknown");
  who = $state.raw<WhoAmI | null>(null);
  /** The first password was made by the server and shown on its screen: it is to be changed before anything else. */
  mustChangePassword = $state(false);

  /** Requests of a page whose session has ended: they are made again when somebody has signed in. */
  #waiting: ((signedIn: boolean) => void)[] = [];

  constructor() {
    onSignedOut.call = () => {
      line.stop();
      if (this.state !== "signedIn" && this.state !== "expired") {
        this.state = "signedOut";
        return Promise.resolve(false);
      }
      this.state = "expired";
      return new Promise((resolve) => this.#waiting.push(resolve));
    };
  }

  get user(): string {
    return this.who?.subject.replace(/^user:/, "") ?? "";
  }

  /** What it may not do is not offered. Null: to the installation as a whole. */
  may(permission: Permission, project: string | null = null): boolean {
    return this.who !== null && allows(this.who.bindings, permission, project);
  }

  /** Administrators alone see some pages. */
  get isAdmin(): boolean {
    return this.may("administer");
  }

  /** Where it may make things; empty: nowhere. */
  get workshops(): string[] {
    return this.who ? workshops(this.who.bindings, projects.items.map((project) => project.name)) : [];
  }

  get mayMake(): boolean {
    return this.workshops.length > 0;
  }

  /** The address of what makes a thing in the project in which this user makes things. */
  making(path: string): string {
    const [project = defaultProject] = this.workshops;
    return project === defaultProject ? path : `${path}?project=${encodeURIComponent(project)}`;
  }

  async resume() {
    try {
      this.#begin(await get<WhoAmI>("/v1/whoami"));
    } catch (failure) {
      if (!(failure instanceof ApiError) || failure.status !== 401) throw failure;
    }
  }

  async signIn(user: string, password: string) {
    await post("/v1/sessions", { user, password, cookie: true });
    this.#begin(await get<WhoAmI>("/v1/whoami"));
  }

  async changePassword(current: string, password: string) {
    await post(`/v1/users/${encodeURIComponent(this.user)}/password`, { current, password });
    this.mustChangePassword = false;
  }

  async signOut() {
    await remove("/v1/sessions/current");
    line.stop();
    location.assign("/");
  }

  #begin(who: WhoAmI) {
    this.who = who;
    this.mustChangePassword = who.firstPassword ?? false;
    this.state = "signedIn";
    line.start();
    for (const goOn of this.#waiting.splice(0)) goOn(true);
  }
}

export const session = new Session();
