/** What the HTTP API sends and takes, as `docs/reference/openapi.yaml` has it. Instants are milliseconds of the epoch. */

export type Role = 'reader' | 'operator' | 'administrator';

export interface Session {
  readonly user: string;
  readonly role: Role;
  /** Goes with every write, in `X-CSRF-Token`. */
  readonly csrfToken: string;
}

export interface Ledger {
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly expired: number;
  readonly dropped: number;
  readonly removed: number;
  readonly waiting: number;
  readonly outcomeUnknown: number;
}

/** Recipients an hour, as averages over the last minutes (R214). */
export interface Rates {
  readonly minutes: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
}

/** One minute of the plot. */
export interface Minute {
  readonly at: number;
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
}

export interface Overview {
  /** Absent while the read model is away. */
  readonly ledger?: Ledger;
  readonly rates: readonly Rates[];
  readonly minutes: readonly Minute[];
  readonly destinations: readonly Destination[];
  readonly destinationCount: number;
  /** What the owners hold at this moment. */
  readonly waiting: number;
  readonly outcomeUnknown: number;
  readonly silentOwners: readonly string[];
  readonly unownedPartitions: readonly number[];
  /** No mail is taken for any domain yet. */
  readonly needsSetup: boolean;
  readonly version: number;
}

export interface Route {
  readonly receivingDomain: string;
  readonly destinations: readonly string[];
  readonly authProfile?: string;
}

export interface ListedRoute extends Route {
  /** The version that last changed it; 0 = never committed. */
  readonly since: number;
  /** What the pending changes do to it. */
  readonly pending?: 'added' | 'changed' | 'removed';
}

export type MatchingMode = 'covering' | 'dotted';

export interface RoutePage {
  readonly version: number;
  readonly mode: MatchingMode;
  readonly routes: readonly ListedRoute[];
  /** Entries that the search found, ALL counted. */
  readonly found: number;
  /** Entries of the table, ALL counted. */
  readonly total: number;
  readonly limit: number;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly token?: string;
  /** `receivingDomain`, `destinations[2]`, `authProfile`, `file`, `rows[3].domain`. */
  readonly field?: string;
  readonly line?: number;
}

/** Something that is taken as it is and that a person should know. */
export interface Remark {
  readonly code: string;
  readonly parameters: Readonly<Record<string, string | number>>;
  /** In English. */
  readonly message: string;
}

/** What the read model does not know, and why. */
export interface TrackingNote extends Remark {
  readonly at?: number;
}

export interface Checked {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Remark[];
}

export type Section =
  | 'routes'
  | 'recipientAccess'
  | 'mailPolicies'
  | 'authProfiles'
  | 'destinationControls'
  | 'bounceProfiles'
  | 'hostAccess'
  | 'mailFlowPolicies'
  | 'outgoingMailPolicies'
  | 'virtualGateways'
  | 'suspensions'
  | 'domainMap'
  | 'aliases'
  | 'bounceKeys'
  | 'globalUnsubscribe'
  | 'dkimProfiles'
  | 'matchingMode';

/** One line of a difference; the two sides as the table prints them. */
export interface Difference {
  readonly section: Section;
  readonly key: string;
  readonly before?: string;
  readonly after?: string;
  readonly isReordered?: boolean;
}

/** What a change does to the mail that waits. */
export interface WaitingMail {
  readonly waiting: number;
  readonly moved: number;
  readonly freed: number;
  readonly stranded: number;
  readonly discarded: number;
  readonly moves: readonly { readonly from: string; readonly to: string; readonly recipients: number }[];
  /** Workers that did not answer: what they hold is in none of the figures. */
  readonly silentOwners: readonly string[];
  /** Up to half a minute ago, where very much waits. */
  readonly countedAt: number;
}

/** What pending routes would have done with mail of the past. */
export interface PastMail {
  readonly version: number;
  readonly recipients: number;
  /** Accepted from and to. */
  readonly from: number;
  readonly to: number;
  /** Why it does not go back as far as was asked for. */
  readonly cut?: 'limit' | 'time' | 'kept';
  readonly moved: number;
  readonly discarded: number;
  readonly domains: number;
  readonly changes: readonly {
    readonly domain: string;
    readonly recipients: number;
    readonly from: string;
    readonly to: string;
    readonly rowBefore: string;
    readonly rowAfter: string;
    readonly examples: readonly string[];
  }[];
}

/** How much this name has submitted and not committed. `count` 0: nothing. */
export interface PendingCount {
  readonly count: number;
  /** The version that the edits were made on. */
  readonly baseVersion: number;
  /** The newest. */
  readonly version: number;
}

/** The same with all that somebody should see before committing. */
export interface Pending extends Checked, PendingCount {
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
  readonly waiting?: WaitingMail;
  /** What others committed since {@link baseVersion}. */
  readonly theirs: readonly Difference[];
  /** Whether that touches the same entries. */
  readonly isConflict: boolean;
}

export interface ImportReport extends Checked {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly differences: readonly Difference[];
}

export type FileFormat = 'smtproutes' | 'mailertable' | 'transport';

/** What an entry takes; `exceptions` are more specific entries that take some of it away. */
export interface Covers {
  readonly kind: 'domain' | 'domainAndBelow' | 'below' | 'literal' | 'default';
  readonly domain: string;
  readonly words: string;
  readonly exceptions: readonly string[];
}

export interface RouteCheck extends Checked {
  readonly covers?: Covers;
}

export interface RouteDetail {
  readonly version: number;
  readonly mode: MatchingMode;
  readonly route: ListedRoute;
  readonly covers: Covers;
  readonly changedBy?: Change;
}

export interface AuthProfile {
  readonly name: string;
  readonly username: string;
  readonly allowClear: boolean;
}

/** A row of the recipient access table. */
export interface RecipientAccess {
  readonly recipient: string;
  readonly action: 'ACCEPT' | 'REJECT';
  readonly reply?: { readonly code: number; readonly text: string };
  readonly bypassReceivingControl?: boolean;
}

/** What is absent is as in the row `DEFAULT`, and there as in the settings. */
export interface DestinationControl {
  readonly domain: string;
  readonly maxConnections?: number;
  readonly maxMessagesPerConnection?: number;
  readonly maxRecipients?: number;
  readonly windowMinutes?: number;
  readonly tls?: string;
  readonly dane?: string;
  readonly mtaSts?: string;
  readonly ipPreference?: string;
  readonly bounceProfile?: string;
  readonly bounceVerification?: boolean;
}

export interface BounceProfile {
  readonly name: string;
  readonly maxRetries?: number;
  readonly maxAgeSeconds?: number;
  readonly initialWaitSeconds?: number;
  readonly maxWaitSeconds?: number;
  readonly notices?: boolean;
  readonly delayWarnings?: number;
  readonly delayWarningSeconds?: number;
}

export type FlowParameters = Readonly<Record<string, string>>;
export type HostRule = { readonly policy: string } | { readonly action: string; readonly parameters: FlowParameters };

/** A sender group, or, without a group, a single source. */
export interface HostAccess {
  readonly listener: string;
  readonly group: string;
  readonly sources: readonly { readonly source: string; readonly comment?: string }[];
  readonly rule: HostRule;
  readonly comment?: string;
}

export interface MailFlowPolicy {
  readonly listener: string;
  readonly name: string;
  readonly action: string;
  readonly parameters: FlowParameters;
}

/** The sections that are edited item by item. */
export interface Items {
  readonly recipientAccess: RecipientAccess;
  readonly destinationControls: DestinationControl;
  readonly bounceProfiles: BounceProfile;
  readonly hostAccess: HostAccess;
  readonly mailFlowPolicies: MailFlowPolicy;
}

export type ItemSection = keyof Items;

export interface ItemRow<T> {
  readonly key: string;
  readonly item: T;
  /** The version that last changed it; 0 = never committed. */
  readonly since: number;
  /** From 1, where order decides; absent for what stands last. */
  readonly place?: number;
  /** It is changed and never deleted. */
  readonly isFixed?: true;
  readonly pending?: 'added' | 'changed' | 'moved' | 'removed';
}

export interface ItemPage<T> {
  readonly version: number;
  readonly rows: readonly ItemRow<T>[];
  readonly found: number;
  readonly total: number;
  /** The listeners that have rows of their own. */
  readonly lists: readonly string[];
}

export interface ItemDetail<T> {
  readonly version: number;
  readonly row: ItemRow<T>;
}

/** Which row of the host access table takes a client, and what it may then do. */
export interface HostVerdict {
  readonly version: number;
  readonly address: string;
  readonly action: string;
  readonly group: string;
  readonly source: string;
  readonly policy: string;
  readonly limits: Readonly<Record<string, unknown>>;
  readonly asksForNames: boolean;
}

export type ItemEdit =
  | {
      [S in ItemSection]: {
        readonly kind: 'setItem';
        readonly section: S;
        readonly item: Items[S];
        readonly expect?: 'absent' | 'present';
        readonly replaces?: string;
        readonly place?: number;
      };
    }[ItemSection]
  | { readonly kind: 'removeItem'; readonly section: ItemSection; readonly key: string }
  | { readonly kind: 'moveItem'; readonly section: ItemSection; readonly key: string; readonly place: number };

export type Edit =
  | ItemEdit
  | {
      readonly kind: 'set';
      readonly route: Route;
      readonly expect: 'absent' | 'present';
      /** The entry that this one takes the place of under another name. */
      readonly replaces?: string;
    }
  | { readonly kind: 'remove'; readonly receivingDomain: string }
  | { readonly kind: 'removeAll' }
  | { readonly kind: 'matchingMode'; readonly mode: MatchingMode };

export interface Change {
  readonly version: number;
  readonly author: string;
  readonly reason: string;
  readonly committedAt: number;
  readonly operationCount: number;
}

export interface ChangePage {
  readonly changes: readonly Change[];
  readonly nextBefore?: number;
}

export interface ChangeDetail {
  readonly change: Change;
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
}

export interface VersionDiff {
  readonly from: number;
  readonly to: number;
  readonly differences: readonly Difference[];
  readonly differenceCount: number;
}

export interface Explanation {
  readonly version: number;
  readonly mode: MatchingMode;
  readonly domain: string;
  readonly matched: string;
  readonly goesTo: readonly string[];
  readonly target: 'hosts' | 'usedns' | 'null';
  readonly candidates: readonly {
    readonly route: Route;
    readonly verdict: 'winner' | 'lessSpecific' | 'emptyDefault';
    readonly changedBy?: Change;
  }[];
  readonly hosts: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly priority: number;
    readonly problem?: string;
    /** The kind of it, as an enhanced status. */
    readonly problemStatus?: string;
  }[];
}

export type HostState = 'up' | 'down' | 'unknown';

export interface Reply {
  readonly code: number;
  readonly enhancedStatus?: string;
  readonly text: string;
}

export interface Destination {
  readonly destination: string;
  readonly domains: readonly string[];
  readonly domainCount: number;
  readonly waiting: number;
  readonly underway: number;
  readonly connections: number;
  readonly delivered: number;
  readonly softBounced: number;
  readonly hardBounced: number;
  readonly state: HostState;
  readonly hosts: readonly { readonly host: string; readonly state: HostState; readonly downUntil?: number }[];
  readonly nextAttemptAt?: number;
  readonly oldestAt?: number;
  readonly lastReply?: Reply;
}

export interface DestinationPage {
  readonly destinations: readonly Destination[];
  readonly found: number;
  readonly total: number;
  readonly silentOwners: readonly string[];
  readonly unownedPartitions: readonly number[];
}

export type RetryScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'destination'; readonly destination: string };

/** What is meant by a suspension: all of the part where nothing else is said. */
export interface SuspensionScope {
  readonly part: 'delivery' | 'receiving';
  readonly domain?: string;
  readonly destination?: string;
  readonly listener?: string;
}

export interface Suspension extends SuspensionScope {
  /** Absent: until it is resumed. */
  readonly until?: number;
  readonly reason: string;
  readonly author: string;
}

export type Ending = 'remove' | 'bounce';

/** What became of waiting recipients that were removed or bounced, or would. */
export interface EndedRecipients {
  readonly recipients: number;
  readonly leftAlone: number;
  readonly silentOwners: readonly string[];
}

export interface WaitingRecipient {
  readonly message: string;
  readonly recipient: number;
  readonly mid: string;
  readonly reversePath?: string;
  readonly forwardPath: string;
  readonly acceptedAt: number;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly retries: number;
  readonly outcomeUnknown: boolean;
  readonly lastHost?: string;
}

/** How the last attempt at a recipient ended, or why none was made. */
export interface LastTry {
  readonly at: number;
  readonly host?: string;
  readonly reply?: Reply;
  readonly stage?: string;
  readonly route?: string;
  readonly routeVersion?: number;
}

/** A waiting recipient as its message shows it. */
export interface ShownRecipient extends WaitingRecipient {
  readonly destination?: string;
  readonly underwayTo?: string;
  readonly lastTry?: LastTry;
}

export interface WaitingCopy {
  readonly mid: string;
  readonly policy: string;
  readonly sizeOctets: number;
}

export interface WaitingMessage {
  readonly message: string;
  readonly acceptedAt: number;
  readonly reversePath?: string;
  readonly waiting: number;
  readonly forwardPath: string;
  readonly nextAttemptAt: number;
}

export interface WaitingMessageDetail extends WaitingMessage {
  readonly copies: readonly WaitingCopy[];
  readonly recipients: readonly ShownRecipient[];
}

export interface OldestMessages {
  readonly messages: readonly WaitingMessage[];
  readonly silentOwners: readonly string[];
}

export interface RecipientPage {
  readonly recipients: readonly WaitingRecipient[];
  readonly nextCursor?: string;
  readonly silentOwners: readonly string[];
}

export type RecipientState = 'waiting' | 'delivered' | 'bounced' | 'expired' | 'dropped' | 'removed' | 'untracked';

export interface MessageSummary {
  readonly message: string;
  readonly acceptedAt: number;
  readonly reversePath?: string;
  readonly headerMessageId?: string;
  readonly recipients: readonly {
    readonly recipient: number;
    readonly forwardPath: string;
    readonly state: RecipientState;
    readonly outcomeUnknown: boolean;
  }[];
}

export type EventKind =
  | 'accepted'
  | 'attempt'
  | 'delivered'
  | 'deferred'
  | 'bounced'
  | 'expired'
  | 'dropped'
  | 'removed'
  | 'restated';

export interface TraceEvent {
  readonly kind: EventKind;
  readonly at: number;
  readonly message: string;
  readonly recipients: readonly { readonly recipient: number; readonly mid: string; readonly forwardPath: string }[];
  /** False: it came too late and changed nothing. */
  readonly counted: boolean;
  readonly reply?: Reply;
  readonly host?: string;
  readonly dcid?: string;
  readonly route?: string;
  readonly routeVersion?: number;
  readonly stage?: string;
  readonly dueAt?: number;
  readonly outcomeUnknown: boolean;
  readonly cause?: string;
  readonly reason?: string;
  readonly author?: string;
  readonly report?: string;
  readonly clientAddress?: string;
  readonly user?: string;
  readonly helo?: string;
  /** Where the host access table has rows. */
  readonly senderGroup?: string;
  readonly flowPolicy?: string;
  readonly relayed?: boolean;
  readonly reversePath?: string;
  readonly headerMessageId?: string;
  /** The virtual gateway by which it leaves; absent for none. */
  readonly gateway?: string;
  readonly icid?: string;
  readonly listener?: string;
  /** Of a delivery report: the message whose bounce it reports. */
  readonly reportOf?: string;
  readonly copies?: readonly { readonly mid: string; readonly policy: string; readonly sizeOctets: number }[];
}

export interface MessagePage {
  readonly messages: readonly MessageSummary[];
  readonly nextCursor?: string;
}

export interface Trace {
  readonly message: string;
  readonly summary?: MessageSummary;
  readonly events: readonly TraceEvent[];
  readonly notes: readonly TrackingNote[];
}

export interface SetupRow {
  readonly domain: string;
  readonly destinations: readonly string[];
}

export interface SetupState {
  readonly needsSetup: boolean;
  readonly version: number;
  readonly rows: readonly SetupRow[];
}

export interface SetupCheck extends Checked {
  readonly hints: readonly Remark[];
  readonly version: number;
  readonly differences: readonly Difference[];
}
