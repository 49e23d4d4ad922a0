/** The calls that the pages make, one function each. All throw a Refusal. */
import { get, queryText, Refusal, write } from './client.ts';
import type * as api from './values.ts';

const routePath = (receivingDomain: string): string => `/routes/${encodeURIComponent(receivingDomain)}`;

export const readSession = (): Promise<api.Session> => get('/session');
export const signIn = (name: string, password: string): Promise<api.Session> =>
  write('POST', '/session', { name, password });
export const signOut = (): Promise<void> => write('DELETE', '/session');
export const changePassword = (current: string, password: string): Promise<void> =>
  write('PUT', '/session/password', { current, password });
export const makeFirstAdministrator = (code: string, name: string, password: string): Promise<api.Session> =>
  write('POST', '/first-administrator', { code, name, password });

export const readOverview = (): Promise<api.Overview> => get('/overview');

export interface RouteQuery {
  readonly search?: string | undefined;
  readonly sort?: string | undefined;
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
  /** As of a version, without what is pending. */
  readonly version?: number | undefined;
}

export const listRoutes = (query: RouteQuery): Promise<api.RoutePage> =>
  get('/routes', { ...query, ...(query.version === undefined ? {} : { pending: false }) });
export const readRoute = (receivingDomain: string, version?: number): Promise<api.RouteDetail> =>
  get(routePath(receivingDomain), version === undefined ? {} : { version, pending: false });
export const checkRoute = (route: api.Route, editing: string | undefined): Promise<api.RouteCheck> =>
  write('POST', '/routes/check', editing === undefined ? { route } : { route, editing });
export const exportAddress = (filename: string, version?: number): string =>
  `/api/v1/routes/export${queryText({ filename, version })}`;
export const explain = (recipient: string, pending: boolean, version?: number): Promise<api.Explanation> =>
  get('/explain', version === undefined ? { recipient, pending } : { recipient, version });
export const listAuthProfiles = (): Promise<{ readonly profiles: readonly api.AuthProfile[] }> => get('/auth-profiles');

export interface ItemQuery {
  readonly search?: string;
  /** Of the host access table: whose rows; '' for those of each listener without rows of its own. */
  readonly list?: string | undefined;
  readonly offset?: number;
  readonly limit?: number;
}

export const listItems = <S extends api.ItemSection>(
  section: S,
  { list, ...query }: ItemQuery,
): Promise<api.ItemPage<api.Items[S]>> =>
  // An empty list is one too; an empty search is none.
  get(
    `/sections/${section}${list === undefined ? '?' : `?list=${encodeURIComponent(list)}&`}${queryText(query).slice(1)}`,
  );
export const readItem = <S extends api.ItemSection>(section: S, key: string): Promise<api.ItemDetail<api.Items[S]>> =>
  get(`/sections/${section}/${encodeURIComponent(key)}`);
export const checkEdit = (edit: api.Edit): Promise<api.Checked> => write('POST', '/pending/check', { edit });
export const testHost = (
  address: string,
  names: string,
  listener: string,
  pending: boolean,
): Promise<api.HostVerdict> => get('/host-access/test', { address, names, listener, pending });

export const countPending = (): Promise<api.PendingCount> => get('/pending/count');
export const readPending = (): Promise<api.Pending> => get('/pending');
/** What is pending, run through the mail of the last day. */
export const previewPast = (): Promise<api.PastMail> => get('/pending/past', { seconds: 86_400 });
export const abandon = (): Promise<void> => write('DELETE', '/pending');
export const submitEdits = (edits: readonly api.Edit[], seenVersion: number): Promise<api.Pending> =>
  write('POST', '/pending/edits', { edits, seenVersion });
export const importFile = (file: Blob, format: api.FileFormat, stage: boolean): Promise<api.ImportReport> =>
  write('POST', `/pending/import${queryText({ stage, format })}`, file);
export const stageRollback = (toVersion: number): Promise<api.Pending> =>
  write('POST', '/pending/rollback', { toVersion });
export const rebase = (version: number): Promise<api.Pending> => write('POST', '/pending/rebase', { version });
export const commit = (
  comment: string,
  id: string,
  confirmDiscardAll: boolean,
): Promise<{ readonly version: number }> =>
  write('POST', '/pending/commit', { comment, id, ...(confirmDiscardAll ? { confirmDiscardAll } : {}) });

export const listChanges = (before?: number, receivingDomain?: string): Promise<api.ChangePage> =>
  get('/changes', { before, receivingDomain, limit: 30 });
export const readChange = (version: number): Promise<api.ChangeDetail> => get(`/changes/${version}`);
export const diff = (from: number, to: number): Promise<api.VersionDiff> => get('/diff', { from, to });

export const listDestinations = (search: string, sort: string, offset: number): Promise<api.DestinationPage> =>
  get('/destinations', { search, sort, offset, limit: 50 });
export const readDestination = (destination: string): Promise<api.Destination> => get('/destination', { destination });
export const listRecipients = (destination: string, cursor?: string): Promise<api.RecipientPage> =>
  get('/recipients', { destination, cursor });
export const retry = (
  scope: api.RetryScope,
  reason: string | undefined,
): Promise<{ readonly recipients: number; readonly silentOwners: readonly string[] }> =>
  write('POST', '/retry', reason === undefined ? { scope, dryRun: true } : { scope, reason });

export const listSuspensions = (): Promise<{ readonly suspensions: readonly api.Suspension[] }> => get('/suspensions');
/** @param minutes until it ends by itself; undefined: until it is resumed */
export const suspend = (scope: api.SuspensionScope, minutes: number | undefined, reason: string): Promise<unknown> =>
  write('POST', '/suspensions', { scope, reason, ...(minutes === undefined ? {} : { minutes }) });
export const resume = (scope: api.SuspensionScope, reason: string): Promise<unknown> =>
  write('POST', '/suspensions/resume', { scope, reason });

/** Ends what waits behind a destination, part after part; without a reason it is only counted. */
export async function endRecipients(
  destination: string,
  ending: api.Ending,
  reason: string | undefined,
): Promise<api.EndedRecipients> {
  const asked = {
    scope: { kind: 'destination', destination },
    ending,
    ...(reason === undefined ? { dryRun: true } : { reason }),
  };
  const silentOwners = new Set<string>();
  let recipients = 0;
  let leftAlone = 0;
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const part: api.EndedRecipients & { readonly nextCursor?: string } = await write('POST', '/endings', {
      ...asked,
      cursor,
    });
    recipients += part.recipients;
    leftAlone += part.leftAlone;
    for (const owner of part.silentOwners) silentOwners.add(owner);
    cursor = part.nextCursor;
  }
  return { recipients, leftAlone, silentOwners: [...silentOwners] };
}

export interface MessageQuery {
  readonly search?: string | undefined;
  readonly by?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly cursor?: string | undefined;
}

const messagePath = (message: string): string => `/messages/${encodeURIComponent(message)}`;

export const searchMessages = (query: MessageQuery): Promise<api.MessagePage> => get('/messages', { ...query });
export const readTrace = (message: string, recipient?: number): Promise<api.Trace> =>
  get(messagePath(message), { recipient });

/** What waits of a message. @returns undefined when nobody does */
export async function readWaiting(message: string): Promise<api.WaitingMessageDetail | undefined> {
  try {
    return await get(`${messagePath(message)}/waiting`);
  } catch (error) {
    if (error instanceof Refusal && error.code === 'MESSAGE_NOT_WAITING') return undefined;
    throw error;
  }
}
export const readHeader = (mid: string): Promise<{ readonly header: string }> => get(`${messagePath(mid)}/header`);
export const contentAddress = (mid: string): string => `/api/v1${messagePath(mid)}/content`;
export const listOldest = (limit: number, destination?: string): Promise<api.OldestMessages> =>
  get('/oldest-messages', { limit, destination });

export const readSetup = (): Promise<api.SetupState> => get('/setup');
export const checkSetup = (rows: readonly api.SetupRow[]): Promise<api.SetupCheck> =>
  write('POST', '/setup/check', { rows });
export const commitSetup = (
  rows: readonly api.SetupRow[],
  version: number,
): Promise<{ readonly version: number; readonly isCommitted: boolean }> => write('POST', '/setup', { rows, version });
