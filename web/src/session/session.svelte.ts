import { ApiError, get, onSignedOut, post, remove } from "../api/http";
import { line } from "../api/live.svelte";
import type { WhoAmI } from "../api/types";

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

  /** Administrators alone see some pages. */
  get isAdmin(): boolean {
    return this.who?.bindings.some((binding) => binding.role === "admin" && binding.scope === "*") ?? false;
  }

  /** May change what belongs to a project; of all: to the installation. */
  mayOperate(project = "*"): boolean {
    return this.who?.bindings.some((binding) => (binding.role === "admin" || binding.role === "operator") && (binding.scope === "*" || binding.scope === project)) ?? false;
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
