import {
  heldMtaSts,
  holdsUntil,
  type KeptMtaStsPolicy,
  type MtaStsAnswer,
  type MtaStsFetchResult,
  type MtaStsKnowledge,
  type MtaStsPolicies,
  type MtaStsRecord,
  nextMtaStsStep,
  readMtaStsPolicy,
  readMtaStsRecord,
  type Resolver,
} from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import type { PolicyFile } from './policy-file.ts';
import type { FetchedText, PolicyHost } from './policy-host.ts';

export interface CachedPoliciesOptions {
  readonly resolver: Pick<Resolver, 'texts'>;
  readonly host: Pick<PolicyHost, 'fetch'>;
  /** Absent: a restart forgets them. */
  readonly file?: PolicyFile;
  /** Told of every fetch that came to nothing. */
  readonly onTrouble?: (domain: Domain, result: MtaStsFetchResult, reason: string) => void;
  /** Told of the first time that the file cannot be written. */
  readonly onFileBroken?: (error: unknown) => void;
  /** What is kept of policies, in octets. */
  readonly limitOctets?: number;
  /** Wall time in milliseconds. */
  readonly now?: () => number;
}

const LIMIT_OCTETS = 8_388_608;
/** What an entry takes besides its names. */
const ENTRY_OCTETS = 200;

/**
 * Policies as they were fetched, kept for as long as they ask for and found again after a restart. One fetch at a time
 * for a domain, whoever asks; when there are too many, the one fetched longest ago goes first. The TXT record is looked
 * at each time, from the cache of the resolver, so that a changed policy is followed at once.
 */
export class CachedPolicies implements MtaStsPolicies {
  readonly #options: CachedPoliciesOptions;
  readonly #now: () => number;
  readonly #known = new Map<Domain, MtaStsKnowledge>();
  readonly #fetching = new Map<Domain, Promise<void>>();
  #octets = 0;
  #isFileBroken = false;

  constructor(options: CachedPoliciesOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    for (const { domain, kept } of this.#onFile((file) => file.read()) ?? []) {
      if (holdsUntil(kept) > this.#now()) this.#remember(domain, { kept });
      else this.#onFile((file) => file.remove(domain));
    }
  }

  /** Octets of what is kept, more or less. */
  get octets(): number {
    return this.#octets;
  }

  async of(domain: Domain): Promise<MtaStsAnswer> {
    const record = await this.#record(domain);
    const step = nextMtaStsStep(this.#knowledgeOf(domain), record, this.#now());
    if (step !== 'nothing') {
      const fetched = this.#fetchOnce(domain, (record as { readonly id: string }).id);
      if (step === 'fetch') await fetched;
    }
    return heldMtaSts(domain, this.#knowledgeOf(domain), record, this.#now());
  }

  close(): void {
    this.#options.file?.close();
  }

  #knowledgeOf(domain: Domain): MtaStsKnowledge {
    return this.#known.get(domain) ?? {};
  }

  async #record(domain: Domain): Promise<MtaStsRecord | undefined> {
    const answer = await this.#options.resolver.texts(`_mta-sts.${domain}`).catch(() => undefined);
    if (answer === undefined || answer.kind === 'failure') return undefined;
    return readMtaStsRecord(answer.kind === 'texts' ? answer.texts : []);
  }

  #fetchOnce(domain: Domain, id: string): Promise<void> {
    let fetching = this.#fetching.get(domain);
    if (fetching === undefined) {
      fetching = this.#fetch(domain, id).finally(() => this.#fetching.delete(domain));
      this.#fetching.set(domain, fetching);
    }
    return fetching;
  }

  async #fetch(domain: Domain, id: string): Promise<void> {
    const read = readFetched(await this.#options.host.fetch(domain));
    const now = this.#now();
    if ('policy' in read) {
      const kept = { policy: read.policy, id, fetchedAt: now };
      this.#remember(domain, { kept });
      this.#onFile((file) => file.write(domain, kept));
      return;
    }
    const { kept } = this.#knowledgeOf(domain);
    const failed = { id, at: now, reason: read.reason };
    this.#remember(domain, kept === undefined ? { failed } : { kept, failed });
    // Who gives a policy up has said so, and may take the host away (RFC 8461 §3.3, §8.3).
    const isGivenUp = kept?.policy.mode === 'none' && holdsUntil(kept) > now;
    if (!isGivenUp) this.#options.onTrouble?.(domain, read.result, read.reason);
  }

  /** Moves it to the young end; the oldest go when there are too many. */
  #remember(domain: Domain, knowledge: MtaStsKnowledge): void {
    this.#forget(domain);
    this.#known.set(domain, knowledge);
    this.#octets += octetsOf(domain, knowledge);
    const limit = this.#options.limitOctets ?? LIMIT_OCTETS;
    for (const oldest of this.#known.keys()) {
      if (this.#octets <= limit) return;
      this.#forget(oldest);
      this.#onFile((file) => file.remove(oldest));
    }
  }

  #forget(domain: Domain): void {
    const knowledge = this.#known.get(domain);
    if (knowledge === undefined) return;
    this.#known.delete(domain);
    this.#octets -= octetsOf(domain, knowledge);
  }

  /** What cannot be read or written there is forgotten by a restart, and nothing worse. */
  #onFile<Result>(act: (file: PolicyFile) => Result): Result | undefined {
    const { file, onFileBroken } = this.#options;
    if (file === undefined) return undefined;
    try {
      return act(file);
    } catch (error) {
      if (!this.#isFileBroken) onFileBroken?.(error);
      this.#isFileBroken = true;
      return undefined;
    }
  }
}

function readFetched(
  fetched: FetchedText,
): { readonly policy: KeptMtaStsPolicy['policy'] } | { readonly result: MtaStsFetchResult; readonly reason: string } {
  if (fetched.kind === 'failure') return fetched;
  const policy = readMtaStsPolicy(fetched.text);
  return 'problem' in policy ? { result: 'sts-policy-invalid', reason: `invalid: ${policy.problem}` } : { policy };
}

function octetsOf(domain: Domain, { kept, failed }: MtaStsKnowledge): number {
  const names = kept?.policy.mx.reduce((sum, pattern) => sum + pattern.length + 32, 0) ?? 0;
  return ENTRY_OCTETS + domain.length + names + (failed?.reason.length ?? 0);
}
