import type { EventKind } from '@mailyard/contracts/tracking';
import { recipientDomain } from '@mailyard/mail';

/** Which events are wanted. Each list is a condition; an empty one is none. */
export interface EventFilter {
  readonly kinds: readonly EventKind[];
  /** Of recipients, lower case; `.example.com` is all domains below. */
  readonly domains: readonly string[];
  /** Reverse-paths, in lower case; `` is the null one. */
  readonly senders: readonly string[];
}

/** What a filter looks at. */
export interface FilteredEvent {
  readonly kind: EventKind;
  readonly recipients: readonly { readonly forwardPath: string }[];
}

/**
 * Reads what was asked for.
 *
 * @param domains as typed; U-labels, any case
 * @param senders as typed; `<>` is the null reverse-path
 * @returns the word that is no domain
 */
export function readFilter(
  kinds: readonly EventKind[],
  domains: readonly string[],
  senders: readonly string[],
): EventFilter | { readonly wrong: string } {
  const read: string[] = [];
  for (const text of domains) {
    const dot = text.startsWith('.') ? '.' : '';
    const domain = recipientDomain(text.slice(dot.length));
    if (domain === undefined || text.includes('@')) return { wrong: text };
    read.push(`${dot}${domain}`);
  }
  return { kinds, domains: read, senders: senders.map((sender) => sender.replace(/^<(.*)>$/, '$1').toLowerCase()) };
}

/** @param sender the reverse-path of the event's message; undefined where its acceptance is not known */
export function isWanted({ kinds, domains, senders }: EventFilter, event: FilteredEvent, sender?: string): boolean {
  if (kinds.length > 0 && !kinds.includes(event.kind)) return false;
  if (senders.length > 0 && (sender === undefined || !senders.includes(sender.toLowerCase()))) return false;
  return domains.length === 0 || event.recipients.some(({ forwardPath }) => isIn(domains, forwardPath));
}

function isIn(domains: readonly string[], forwardPath: string): boolean {
  const domain = forwardPath.slice(forwardPath.lastIndexOf('@') + 1).toLowerCase();
  return domains.some((one) => (one.startsWith('.') ? domain.endsWith(one) : domain === one));
}
