import { syncDirectory } from './durable-file.ts';

/**
 * Syncs directories for many at once: those who ask while a sync of the same directory runs share the next one.
 * (The one that runs may have begun before their name was there.)
 */
export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  sync(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    const known = this.#next.get(path);
    if (known !== undefined) return known;
    const next = running
      .catch(() => {})
      .then(() => {
        this.#next.delete(path);
        return this.#start(path);
      });
    this.#next.set(path, next);
    return next;
  }

  #start(path: string): Promise<void> {
    const done = syncDirectory(path).finally(() => {
      if (this.#running.get(path) === done) this.#running.delete(path);
    });
    this.#running.set(path, done);
    return done;
  }
}
