import type { Domain } from '@mailyard/mail';
import type { RecipientNews, RecipientTotal } from './hourly-recipients.ts';

/** What clients are called, and where names lead; both answer with nothing where nothing is known. */
export interface HostNames {
  /** PTR names of an IP address. */
  namesOf(address: string): Promise<readonly Domain[]>;
  /** IP addresses of a name. */
  addressesOf(name: Domain): Promise<readonly string[]>;
}

/**
 * Where processes tell each other how many recipients they counted: each piece of news is added once, and answered with the
 * sum of all that was told of its client. Only ever a hint; rejects while nobody can be told.
 */
export interface RecipientBoard {
  share(news: readonly RecipientNews[]): Promise<readonly RecipientTotal[]>;
}
