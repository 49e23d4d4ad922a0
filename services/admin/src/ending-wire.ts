/** Which waiting recipients an operator means and how they are to end (R212), between core and wire. */
import { status } from '@grpc/grpc-js';
import { type EndRecipientsRequest, Ending, type MailScope as WireScope } from '@mailyard/contracts/queue';
import type { MailScope, OperatorEnding } from '@mailyard/delivery-rules';
import { CallRefusal } from '@mailyard/grpc';
import { type Address, type AddressLiteral, type Domain, parseAddressLiteral, parseDomain } from '@mailyard/mail';
import { isMessageId } from '@mailyard/queue';

/** Characters of a reason and of an author. */
const TEXT_LIMIT = 1_000;

/** @throws CallRefusal `SCOPE_INVALID` when it names nothing: never everything */
export function readMailScope(wire: WireScope | undefined): MailScope {
  const scope = wire?.scope;
  switch (scope?.$case) {
    case 'all':
      if (scope.value) return { kind: 'all' };
      break;
    case 'domain':
      return { kind: 'domain', domain: demandDomain(scope.value) };
    case 'destination':
      return { kind: 'destination', destination: scope.value };
    case 'sender':
      return { kind: 'sender', reversePath: scope.value === '' ? null : (scope.value as Address) };
    case 'recipient':
      return { kind: 'recipient', forwardPath: scope.value as Address };
    case 'message':
      return { kind: 'message', ...demandMessage(scope.value.id), ...ridOf(scope.value) };
    default:
  }
  throw refuse(
    'SCOPE_INVALID',
    'say which recipients: all, a domain, a destination, a sender, a recipient or a message',
  );
}

export function writeMailScope(scope: MailScope): WireScope {
  switch (scope.kind) {
    case 'all':
      return { scope: { $case: 'all', value: true } };
    case 'domain':
      return { scope: { $case: 'domain', value: scope.domain } };
    case 'destination':
      return { scope: { $case: 'destination', value: scope.destination } };
    case 'sender':
      return { scope: { $case: 'sender', value: scope.reversePath ?? '' } };
    case 'recipient':
      return { scope: { $case: 'recipient', value: scope.forwardPath } };
    case 'message': {
      const { message, copy } = scope;
      const id = copy === undefined ? message : `${message}-${copy + 1}`;
      return { scope: { $case: 'message', value: { id, ...ridOf(scope) } } };
    }
  }
}

function ridOf({ recipient }: { readonly recipient?: number | undefined }): { readonly recipient?: number } {
  return recipient === undefined ? {} : { recipient };
}

/** A message id, or the MID of a copy. */
export function parseMid(text: string): Pick<Extract<MailScope, { kind: 'message' }>, 'message' | 'copy'> | undefined {
  const [, id = '', number] = /^([^-]*)(?:-([1-9]\d{0,4}))?$/.exec(text.toLowerCase()) ?? [];
  if (!isMessageId(id)) return undefined;
  return number === undefined ? { message: id } : { message: id, copy: Number(number) - 1 };
}

/** @throws CallRefusal `MESSAGE_ID_INVALID` */
export function demandMessage(text: string) {
  const mid = parseMid(text);
  if (mid === undefined)
    throw refuse('MESSAGE_ID_INVALID', `${JSON.stringify(text.slice(0, 120))} is no message id and no MID`);
  return mid;
}

export function demandDomain(text: string): Domain | AddressLiteral {
  const domain = text.startsWith('[') ? parseAddressLiteral(text) : parseDomain(text);
  if (domain !== undefined) return domain;
  throw refuse('DOMAIN_INVALID', `${JSON.stringify(text)} is no domain`);
}

/** @returns undefined for a dry run. @throws CallRefusal `ENDING_INVALID`, `REASON_MISSING` */
export function readEnding(
  request: EndRecipientsRequest,
  caller: { readonly name: string },
): OperatorEnding | undefined {
  const { ending, dryRun } = request;
  if (dryRun) return undefined;
  const kind = ending === Ending.ENDING_REMOVE ? 'remove' : ending === Ending.ENDING_BOUNCE ? 'bounce' : undefined;
  if (kind === undefined) throw refuse('ENDING_INVALID', 'say whether they are removed or bounced');
  const reason = request.reason.trim().slice(0, TEXT_LIMIT);
  if (reason === '') throw refuse('REASON_MISSING', 'say why: it is recorded with each recipient');
  const said = request.author.trim().slice(0, TEXT_LIMIT);
  return { kind, reason, author: signedBy(said, caller.name) };
}

/** Whom the caller says it acts for, and the name that the call was authenticated with. */
function signedBy(said: string, caller: string): string {
  if (said === '' || said === caller) return caller;
  return caller === 'local' ? said : `${said} (${caller})`;
}

export function writeEnding(
  ending: OperatorEnding | undefined,
): Pick<EndRecipientsRequest, 'ending' | 'reason' | 'author' | 'dryRun'> {
  if (ending === undefined) return { ending: Ending.ENDING_UNSPECIFIED, reason: '', author: '', dryRun: true };
  const { kind, reason, author } = ending;
  return { ending: kind === 'remove' ? Ending.ENDING_REMOVE : Ending.ENDING_BOUNCE, reason, author, dryRun: false };
}

function refuse(reason: string, message: string): CallRefusal {
  return new CallRefusal(status.INVALID_ARGUMENT, message, { reason });
}
