import { ApiError } from "../api/http";

/** The sending of a form: what was refused stands beside the fields that it concerns. */
export class Form {
  busy = $state(false);
  failure = $state.raw<unknown>(null);

  at(path: string): string | undefined {
    return this.failure instanceof ApiError ? this.failure.at(path) : undefined;
  }

  async send(action: () => Promise<unknown>, done: () => void) {
    this.busy = true;
    this.failure = null;
    try {
      await action();
      done();
    } catch (failure) {
      this.failure = failure;
    } finally {
      this.busy = false;
    }
  }
}
