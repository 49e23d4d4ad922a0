import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { KeptMtaStsPolicy, MtaStsPolicy } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS policy (
    domain TEXT PRIMARY KEY, id TEXT NOT NULL, fetched_at INTEGER NOT NULL, policy TEXT NOT NULL
  ) STRICT;
`;

/**
 * Policies in one SQLite file, so that a restart forgets none: who can keep a policy from being fetched must not gain by
 * a restart. Nothing is lost for good with the file, so nothing is synced for it.
 */
export class PolicyFile {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws when it is no database, or cannot be written */
  static open(path: string): PolicyFile {
    mkdirSync(dirname(path), { recursive: true });
    const database = new DatabaseSync(path);
    try {
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 100; ${SCHEMA}`);
      return new PolicyFile(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** What was written and not removed, the one fetched longest ago first. A row that holds no policy is passed over. */
  read(): { readonly domain: Domain; readonly kept: KeptMtaStsPolicy }[] {
    const rows = this.#database.prepare('SELECT * FROM policy ORDER BY fetched_at').all() as unknown as {
      readonly domain: Domain;
      readonly id: string;
      readonly fetched_at: number;
      readonly policy: string;
    }[];
    return rows.flatMap(({ domain, id, fetched_at: fetchedAt, policy: text }) => {
      const policy = readPolicy(text);
      return policy === undefined ? [] : [{ domain, kept: { id, fetchedAt, policy } }];
    });
  }

  write(domain: Domain, { id, fetchedAt, policy }: KeptMtaStsPolicy): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO policy VALUES (?, ?, ?, ?)')
      .run(domain, id, fetchedAt, JSON.stringify(policy));
  }

  remove(domain: Domain): void {
    this.#database.prepare('DELETE FROM policy WHERE domain = ?').run(domain);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function readPolicy(text: string): MtaStsPolicy | undefined {
  try {
    const { mode, mx, maxAgeSeconds } = JSON.parse(text) as MtaStsPolicy;
    const isPolicy =
      ['enforce', 'testing', 'none'].includes(mode) &&
      Number.isFinite(maxAgeSeconds) &&
      Array.isArray(mx) &&
      mx.every((pattern) => typeof pattern === 'string');
    return isPolicy ? { mode, mx, maxAgeSeconds } : undefined;
  } catch {
    return undefined;
  }
}
