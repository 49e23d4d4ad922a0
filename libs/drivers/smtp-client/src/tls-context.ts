import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

/** Files in PEM. */
export interface TlsFiles {
  /** Authorities besides those of Node and of the system. */
  readonly authority?: string;
  /** What is shown to hosts that ask for a certificate. */
  readonly certificate?: string;
  readonly key?: string;
}

/** How often the files are looked at, at most. */
const LOOK_EVERY_MS = 10_000;

/**
 * What TLS sessions are made with, one for all of them, and made anew when a file has changed: certificates may be
 * replaced while the program runs. Files that cannot be used change nothing; that is reported once.
 */
export class TlsContext {
  readonly #files: TlsFiles;
  readonly #report: (problem: string) => void;
  readonly #now: () => number;
  #stamp: string | undefined;
  #plain: SecureContext | undefined;
  #judging: SecureContext | undefined;
  #lookAt = 0;

  /** @param now a clock that only goes forward, milliseconds */
  constructor(files: TlsFiles, report: (problem: string) => void, now: () => number = () => performance.now()) {
    this.#files = files;
    this.#report = report;
    this.#now = now;
  }

  /**
   * @param judging with authorities, by which certificates of hosts are judged: many, so only where it is needed
   * @throws when the files cannot be used and never could
   */
  get(judging: boolean): SecureContext {
    this.#follow();
    if (judging) return (this.#judging ??= this.#make(true));
    return (this.#plain ??= this.#make(false));
  }

  #follow(): void {
    const now = this.#now();
    if (now < this.#lookAt) return;
    this.#lookAt = now + LOOK_EVERY_MS;
    const stamp = stampOf(this.#files);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      if (this.#plain !== undefined) this.#plain = this.#make(false);
      if (this.#judging !== undefined) this.#judging = this.#make(true);
    } catch (error) {
      this.#report(`what was read before is used on: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #make(judging: boolean): SecureContext {
    const { authority, certificate, key } = this.#files;
    const own = authority === undefined ? [] : [readFileSync(authority, 'utf8')];
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(certificate === undefined || key === undefined
        ? {}
        : { cert: readFileSync(certificate), key: readFileSync(key) }),
      ...(judging
        ? { ca: [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ...own])] }
        : {}),
    });
  }
}

/** Changes whenever one of the files does. */
function stampOf({ authority, certificate, key }: TlsFiles): string {
  return [authority, certificate, key]
    .map((file) => {
      const found = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
      return found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`;
    })
    .join(', ');
}
