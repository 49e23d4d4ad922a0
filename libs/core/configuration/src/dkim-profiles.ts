import { printPattern, readMemberPattern, type Subject } from '@mailyard/access';
import { comparableLocalPart, parseDomain } from '@mailyard/mail';
import type { SecretReference } from './secret-reference.ts';

export const CANONICALIZATIONS = ['relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple'] as const;

/** Header, then body (RFC 6376 §3.4). */
export type Canonicalization = (typeof CANONICALIZATIONS)[number];

/** A DKIM signing profile: whose outgoing mail is signed, by which key, and how. */
export interface DkimProfile {
  readonly name: string;
  /** `d=`: who answers for the mail. In the form in which domains are compared. */
  readonly domain: string;
  /** `s=`: the record of the public key is `<selector>._domainkey.<domain>`. */
  readonly selector: string;
  /** The private key, in PEM: RSA or Ed25519. */
  readonly key: SecretReference;
  /** Authors whose mail it signs, as mail policies write them; absent: those at `domain`. */
  readonly senders?: readonly string[];
  /** Absent: `relaxed/relaxed`. */
  readonly canonicalization?: Canonicalization;
  /** Names of the fields that are signed where they stand; From always is. Absent: those of RFC 6376 §5.4.1 and some more. */
  readonly headers?: readonly string[];
  /** `x=`: for how long the signature holds; absent: for ever. */
  readonly expiresAfterSeconds?: number;
  /** Without its key mail goes out unsigned; else it is refused for now. */
  readonly allowUnsigned?: boolean;
}

/** Labels of letters, digits and inner hyphens (RFC 6376 §3.1). */
const SELECTOR = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const FIELD_NAME = /^[!-9<-~]{1,76}$/;
/** Fields that change or come on the way, and those that nobody else sees (RFC 6376 §5.4). */
const NEVER_SIGNED: ReadonlySet<string> = new Set([
  'return-path',
  'received',
  'bcc',
  'resent-bcc',
  'dkim-signature',
  'authentication-results',
]);

/** Tells what is wrong with a profile. @param say takes the piece that is meant, and what is wrong with it */
export function checkDkimProfile(profile: DkimProfile, say: (token: string, message: string) => void): void {
  const { domain, selector, senders, headers, expiresAfterSeconds } = profile;
  const comparable = parseDomain(domain);
  if (comparable === undefined) say(domain, 'is no domain');
  else if (comparable !== domain) say(domain, `is to be written ${comparable}`);
  if (!SELECTOR.test(selector)) say(selector, 'is no selector: labels of letters, digits and inner hyphens');
  else if (`${selector}._domainkey.${domain}`.length > 253) say(selector, 'makes too long a name in the DNS');
  if (senders?.length === 0) say('senders', 'names nobody; left out, it is everybody at the domain');
  for (const sender of senders ?? [])
    if (readMemberPattern(sender) === undefined) say(sender, 'is no user@domain, user@, @domain, @.domain or ALL');
  for (const name of headers ?? []) {
    if (!FIELD_NAME.test(name)) say(name, 'is no name of a header field');
    else if (NEVER_SIGNED.has(name.toLowerCase())) say(name, 'changes on the way and is never signed');
  }
  if (expiresAfterSeconds !== undefined && expiresAfterSeconds < 3600)
    say('expiresAfterSeconds', 'is at least 3600: mail waits on its way');
}

/** Which profiles sign whose mail, found without walking the list. All that name an author sign, in their order. */
export class DkimProfileTable {
  static readonly EMPTY = new DkimProfileTable([]);
  readonly profiles: readonly DkimProfile[];
  /** Places in the list, by the pattern as it is printed. */
  readonly #places = new Map<string, number[]>();

  constructor(profiles: readonly DkimProfile[]) {
    this.profiles = profiles;
    for (const [place, { domain, senders = [`@${domain}`] }] of profiles.entries())
      for (const sender of senders) {
        const pattern = readMemberPattern(sender);
        if (pattern === undefined) continue;
        const key = printPattern(pattern);
        const places = this.#places.get(key);
        if (places === undefined) this.#places.set(key, [place]);
        else places.push(place);
      }
  }

  get isEmpty(): boolean {
    return this.profiles.length === 0;
  }

  /** The profiles that sign an author's mail. */
  signersOf({ localPart, domain }: Subject): readonly DkimProfile[] {
    if (this.isEmpty) return [];
    const places = new Set<number>();
    const probe = (key: string): void => {
      for (const place of this.#places.get(key) ?? []) places.add(place);
    };
    const local = comparableLocalPart(localPart);
    probe('ALL');
    probe(`${local}@`);
    if (domain !== '') {
      probe(`${local}@${domain}`);
      probe(`@${domain}`);
      if (!domain.startsWith('['))
        for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1))
          probe(`@${domain.slice(dot)}`);
    }
    return [...places].sort((a, b) => a - b).map((place) => this.profiles[place]!);
  }
}
