import type { ConfigurationState } from '@mailyard/configuration';
import type { MatchingMode, ReceivingDomain } from '@mailyard/smtp-routes';

/** What an entry takes, in words and for a page in another language (R38). */
export interface Covers {
  readonly kind: 'domain' | 'domainAndBelow' | 'below' | 'literal' | 'default';
  readonly domain: string;
  readonly words: string;
  /** More specific entries that take some of it away. */
  readonly exceptions: readonly string[];
}

const MOST_EXCEPTIONS = 20;

export function coversOf(receivingDomain: ReceivingDomain, { mode, sections }: ConfigurationState): Covers {
  const { kind, domain, words } = kindOf(receivingDomain, mode);
  const exceptions: string[] = [];
  if (kind === 'domainAndBelow' || kind === 'below') {
    for (const key of sections.routes.keys()) {
      if (exceptions.length === MOST_EXCEPTIONS) break;
      if (key !== receivingDomain && key !== domain && key.endsWith(`.${domain}`)) exceptions.push(key);
    }
  }
  return { kind, domain, words, exceptions };
}

function kindOf(receivingDomain: ReceivingDomain, mode: MatchingMode): Omit<Covers, 'exceptions'> {
  if (receivingDomain === 'ALL')
    return { kind: 'default', domain: '', words: 'every domain that no other entry matches' };
  if (receivingDomain.startsWith('['))
    return { kind: 'literal', domain: receivingDomain, words: `mail addressed to the literal ${receivingDomain}` };
  if (receivingDomain.startsWith('.')) {
    const domain = receivingDomain.slice(1);
    return { kind: 'below', domain, words: `every domain below ${domain}, and not ${domain} itself` };
  }
  const domain = receivingDomain;
  return mode === 'covering'
    ? { kind: 'domainAndBelow', domain, words: `${domain} and every domain below it` }
    : { kind: 'domain', domain, words: `${domain} alone, and no domain below it` };
}
