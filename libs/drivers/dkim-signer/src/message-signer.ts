import { createHash, type Hash, sign, type KeyObject } from 'node:crypto';
import type { DkimProfile } from '@mailyard/configuration';
import {
  type BodyCanonicalization,
  BodyCanonicalizer,
  bodyCanonicalizationOf,
  chooseFields,
  composeSignature,
  type DkimSigner,
  type DkimSigning,
  finishSignature,
  mayBeSigned,
  type Signed,
} from '@mailyard/dkim';
import type { SigningKey } from './signing-key.ts';
import type { SigningKeys } from './signing-keys.ts';

const NOTHING: Signed = { fields: new Uint8Array(0), by: [] };
/** RSA signatures that are made at once: the threads that make them also write to disks, and there are four of them. */
const RSA_AT_ONCE = 2;

/** Signs with keys of the machine. RSA is made in libuv's threads, Ed25519 costs less than the way there. */
export class MessageSigner implements DkimSigner {
  readonly #keys: Pick<SigningKeys, 'of'>;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(keys: Pick<SigningKeys, 'of'>) {
    this.#keys = keys;
  }

  begin(profiles: readonly DkimProfile[]): DkimSigning {
    return new MessageSigning(
      profiles,
      (profile) => this.#keys.of(profile),
      (key, data) => this.#signature(key, data),
    );
  }

  /** The value of a signature, in base64 (RFC 6376 §3.3.2, RFC 8463 §3). */
  #signature({ algorithm, key }: SigningKey, data: Buffer): string | Promise<string> {
    if (algorithm === 'rsa-sha256') return this.#inTurn(() => signRsa(key, data));
    return sign(null, createHash('sha256').update(data).digest(), key).toString('base64');
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= RSA_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // Whoever waits takes this turn over.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

function signRsa(key: KeyObject, data: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    sign('sha256', data, key, (error, value) => {
      if (error === null) resolve(value.toString('base64'));
      else reject(error);
    });
  });
}

class MessageSigning implements DkimSigning {
  readonly #profiles: readonly DkimProfile[];
  readonly #keyOf: SigningKeys['of'];
  readonly #signature: (key: SigningKey, data: Buffer) => string | Promise<string>;
  readonly #bodies = new Map<
    BodyCanonicalization,
    { readonly hash: Hash; readonly canonicalizer: BodyCanonicalizer }
  >();
  #bodyHashes: ReadonlyMap<BodyCanonicalization, string> | undefined;

  constructor(
    profiles: readonly DkimProfile[],
    keyOf: SigningKeys['of'],
    signature: (key: SigningKey, data: Buffer) => string | Promise<string>,
  ) {
    this.#profiles = profiles;
    this.#keyOf = keyOf;
    this.#signature = signature;
    for (const kind of new Set(profiles.map(bodyCanonicalizationOf))) {
      const hash = createHash('sha256');
      this.#bodies.set(kind, { hash, canonicalizer: new BodyCanonicalizer(kind, (octets) => hash.update(octets)) });
    }
  }

  body(piece: Uint8Array): void {
    for (const { canonicalizer } of this.#bodies.values()) canonicalizer.write(piece);
  }

  async sign(header: Uint8Array, at: number): Promise<Signed> {
    const bodyHashes = (this.#bodyHashes ??= this.#endBody());
    const text = Buffer.from(header.buffer, header.byteOffset, header.length).toString('latin1');
    if (!mayBeSigned(text)) return NOTHING;
    const made = await Promise.all(
      this.#profiles.map(async (profile) => ({ profile, field: await this.#field(profile, text, bodyHashes, at) })),
    );
    const missing = made.find(({ profile, field }) => field === undefined && profile.allowUnsigned !== true);
    const signed = made.filter(({ field }) => field !== undefined);
    return {
      fields: Buffer.from(signed.map(({ field }) => field).join(''), 'latin1'),
      by: signed.map(({ profile }) => profile.name),
      ...(missing === undefined ? {} : { missing: missing.profile.name }),
    };
  }

  /** The field of one profile; undefined without its key. */
  async #field(
    profile: DkimProfile,
    header: string,
    bodyHashes: ReadonlyMap<BodyCanonicalization, string>,
    at: number,
  ): Promise<string | undefined> {
    const key = await this.#keyOf(profile);
    if (key === undefined) return undefined;
    const unfinished = composeSignature(chooseFields(header, profile.headers), {
      ...profile,
      algorithm: key.algorithm,
      bodyHash: bodyHashes.get(bodyCanonicalizationOf(profile))!,
      at: Math.floor(at / 1000),
    });
    return finishSignature(unfinished, await this.#signature(key, Buffer.from(unfinished.data, 'latin1')));
  }

  #endBody(): ReadonlyMap<BodyCanonicalization, string> {
    return new Map(
      Array.from(this.#bodies, ([kind, { canonicalizer, hash }]) => {
        canonicalizer.end();
        return [kind, hash.digest('base64')];
      }),
    );
  }
}
