import { domainOf } from '@mailyard/mail';
import type { MailScope } from '@mailyard/delivery-rules';
import type { MessageId, OpenMessage, OpenRecipient } from '@mailyard/queue';
import type { Binding } from '../destinations/binding.ts';
import type { Bindings } from '../destinations/bindings.ts';

/** The waiting recipients that a scope names: where to look for them, and which they are. */
export interface MailSelection {
  /** Only in this message. */
  readonly message: MessageId | undefined;
  /** Only of these domains; undefined for all. */
  readonly domains: readonly Binding[] | undefined;
  wants(message: OpenMessage, recipient: OpenRecipient): boolean;
}

const everything = (): boolean => true;

/**
 * @param inDestination the domains whose mail goes to a destination now
 */
export async function selectMail(
  scope: MailScope,
  bindings: Bindings,
  inDestination: (destination: string) => Promise<readonly Binding[]>,
): Promise<MailSelection> {
  const nothing = { message: undefined, domains: undefined };
  switch (scope.kind) {
    case 'all':
      return { ...nothing, wants: everything };
    case 'sender':
      return { ...nothing, wants: ({ envelope }) => envelope.reversePath === scope.reversePath };
    case 'message': {
      const { message, copy, recipient } = scope;
      return {
        ...nothing,
        message,
        wants: (_message, one) =>
          (copy === undefined || one.copy === copy) && (recipient === undefined || one.recipient === recipient),
      };
    }
    case 'recipient': {
      return {
        message: undefined,
        domains: bindings.ofDomain(domainOf(scope.forwardPath)),
        wants: (_message, { forwardPath }) => forwardPath === scope.forwardPath,
      };
    }
    default: {
      const domains =
        scope.kind === 'domain' ? bindings.ofDomain(scope.domain) : await inDestination(scope.destination);
      const wanted = new Set(domains);
      return {
        message: undefined,
        domains,
        wants: ({ envelope }, { forwardPath }) => wanted.has(bindings.ofPath(forwardPath, envelope.gateway)),
      };
    }
  }
}
