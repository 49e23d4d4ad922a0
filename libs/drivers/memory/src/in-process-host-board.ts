import type { HostBoard, HostReport } from '@mailyard/delivery-rules';

type Listener = (host: string, report: HostReport) => void;

/** What the workers of one process know of hosts together; {@link of} is each worker's view. */
export class InProcessHostBoard {
  readonly #listeners = new Map<string, Listener[]>();
  readonly #down = new Map<string, { readonly by: string; readonly report: HostReport }>();
  readonly #leases = new Map<string, number>();
  readonly #now: () => number;

  /** @param now a clock that never jumps, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @param by the worker's name: it does not hear itself */
  of(by: string): HostBoard {
    return {
      publish: (host, report) => {
        this.#leases.delete(host);
        if (report.state === 'down') this.#down.set(host, { by, report });
        else this.#down.delete(host);
        for (const [other, listeners] of this.#listeners)
          if (other !== by) for (const listener of listeners) listener(host, report);
      },
      onReport: (listener) => {
        this.#listeners.set(by, [...(this.#listeners.get(by) ?? []), listener]);
        for (const [host, known] of this.#down) if (known.by !== by) listener(host, known.report);
      },
      claimProbe: (host, forMs) => {
        const now = this.#now();
        if ((this.#leases.get(host) ?? 0) > now) return Promise.resolve(false);
        this.#leases.set(host, now + forMs);
        return Promise.resolve(true);
      },
    };
  }
}
