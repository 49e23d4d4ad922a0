import {
  type AccessTables,
  type AuthProfile,
  type BounceProfile,
  changedProfiles,
  type DeliveryControls,
  type DestinationControl,
  type AccessRows,
  readAccessTables,
  readRewriting,
  type Suspension,
} from '@mailyard/configuration';
import {
  readAccessItem,
  readAlias,
  readBounceKey,
  readDomainMapping,
  readDkimProfile,
  readHostAccess,
  readMailFlowPolicy,
  readPlainItem,
  readSuspension,
  readUnsubscribed,
  routingWire as wire,
  writeSection,
} from '@mailyard/contracts';
import type { MailPolicy, RecipientAccessEntry, RecipientRewriting, VirtualGatewayRow } from '@mailyard/access';
import { type AddressLiteral, type Domain, MtaError } from '@mailyard/mail';
import type { RouteChanges, RouteDecision, RouteLookup } from '@mailyard/smtp-routes';
import { Channels, type GrpcTarget } from './channels.ts';
import { LookupStream } from './lookup-stream.ts';
import { RouteWatch } from './route-watch.ts';

export interface GrpcRouteLookupOptions {
  /** Answers kept; the ones that came first go first. */
  readonly maxCached?: number;
  /** An answer later than this is not known. */
  readonly timeoutMs?: number;
  /** Gets what went wrong with the tables by which mail is taken; the last good ones stay in use. */
  readonly report?: (error: unknown) => void;
}

type ChangeListener = (version: number, concerns: (domain: Domain | AddressLiteral) => boolean) => void;

/**
 * Asks routing over gRPC, with a cache that the watch keeps exact: a committed version takes away those answers that it
 * concerns and no others. Routing away, the cache goes on answering and everything else is unknown.
 */
export class GrpcRouteLookup implements RouteLookup {
  readonly #channels: Channels<wire.RoutingServiceClient>;
  readonly #stream: LookupStream;
  readonly #watch: RouteWatch;
  readonly #cache = new Map<string, RouteDecision>();
  readonly #pending = new Map<string, Promise<RouteDecision | 'unknown'>>();
  readonly #listeners: ChangeListener[] = [];
  readonly #profileListeners: ((names: ReadonlySet<string>) => void)[] = [];
  readonly #maxCached: number;
  readonly #report: (error: unknown) => void;
  /** The newest that routing told of, and the one that listeners were told of. */
  #version = 0;
  #told = 0;
  #profiles: ReadonlyMap<string, AuthProfile> = new Map();
  #controls: DeliveryControls = { controls: [], profiles: [] };
  readonly #controlListeners: (() => void)[] = [];
  #suspensions: readonly Suspension[] | undefined;
  readonly #suspensionListeners: (() => void)[] = [];
  #access: AccessTables | undefined;
  #isAccessStale = true;
  /** Aliases may be many: they are sent again only where they changed. */
  #isRewritingStale = true;
  #fetching: Promise<void> | undefined;

  constructor(target: GrpcTarget, options: GrpcRouteLookupOptions = {}) {
    this.#maxCached = options.maxCached ?? 100_000;
    this.#report = options.report ?? (() => {});
    this.#channels = new Channels<wire.RoutingServiceClient>(wire.RoutingServiceClient, target);
    this.#stream = new LookupStream(this.#channels, options.timeoutMs ?? 5_000);
    this.#watch = new RouteWatch(this.#channels, {
      position: (version) => this.#take(version, undefined),
      reset: (version) => {
        this.#cache.clear();
        this.#isAccessStale = true;
        this.#isRewritingStale = true;
        this.#take(version, () => true);
      },
      changed: (changes, sections) => this.#change(changes, sections),
    });
  }

  get version(): number {
    return this.#told;
  }

  /** Whether a routing process is heard now. */
  get isConnected(): boolean {
    return this.#watch.isConnected;
  }

  /** The tables by which mail is taken; undefined until they have come. */
  current(): AccessTables | undefined {
    return this.#access;
  }

  /** An outgoing authentication profile (R150): where its secret stands, never the secret. */
  profile(name: string): AuthProfile | undefined {
    return this.#profiles.get(name);
  }

  /** Tells the names of profiles that came, went or say something else. */
  onProfilesChange(listener: (names: ReadonlySet<string>) => void): void {
    this.#profileListeners.push(listener);
  }

  /** Destination controls and bounce profiles (R140). */
  get controls(): DeliveryControls {
    return this.#controls;
  }

  /** Calls back when these say something else. */
  onControlsChange(listener: () => void): void {
    this.#controlListeners.push(listener);
  }

  /** What is suspended (R211), ends not looked at; undefined until it has come. */
  get suspensions(): readonly Suspension[] | undefined {
    return this.#suspensions;
  }

  /** Calls back when these say something else. */
  onSuspensionsChange(listener: () => void): void {
    this.#suspensionListeners.push(listener);
  }

  peek(domain: Domain | AddressLiteral): RouteDecision | undefined {
    return this.#cache.get(domain);
  }

  /** @param minVersion the answer is to be of this version or a newer one: what the caller has just committed */
  async lookup(domain: Domain | AddressLiteral, minVersion = 0): Promise<RouteDecision | 'unknown'> {
    const cached = this.#cache.get(domain);
    if (cached !== undefined && (cached.version >= minVersion || this.#version >= minVersion)) return cached;
    if (minVersion > this.#version) return this.#ask(domain, minVersion);
    const pending = this.#pending.get(domain);
    if (pending !== undefined) return pending;
    const asked = this.#ask(domain, this.#version);
    this.#pending.set(domain, asked);
    try {
      return await asked;
    } finally {
      this.#pending.delete(domain);
    }
  }

  async #ask(domain: Domain | AddressLiteral, minVersion: number): Promise<RouteDecision | 'unknown'> {
    // One address that is away costs one try; with one address only, the second try meets a restarted process.
    for (let tries = 0; tries <= this.#channels.count; tries++) {
      const decision = await this.#stream.ask(domain, Math.max(minVersion, this.#version));
      if (decision === undefined) continue;
      // A version that came while the answer was under way may concern it: only a later answer is kept.
      if (decision.version < this.#version) continue;
      this.#keep(domain, decision);
      return decision;
    }
    return 'unknown';
  }

  #keep(domain: string, decision: RouteDecision): void {
    // Without the watch there would be nobody to take it away again.
    if (this.#version === 0) return;
    this.#cache.delete(domain);
    this.#cache.set(domain, decision);
    if (this.#cache.size <= this.#maxCached) return;
    for (const oldest of this.#cache.keys()) {
      this.#cache.delete(oldest);
      break;
    }
  }

  onChange(listener: ChangeListener): void {
    this.#listeners.push(listener);
  }

  #change(changes: RouteChanges, sections: readonly number[]): void {
    const matched = new Map<string, string>();
    for (const [domain, decision] of this.#cache) {
      if (decision.version >= changes.version || !changes.concerns(domain as Domain, decision.matched)) continue;
      matched.set(domain, decision.matched);
      this.#cache.delete(domain);
    }
    const isConcerned = (domain: Domain | AddressLiteral): boolean =>
      matched.has(domain) || changes.concerns(domain, this.#cache.get(domain)?.matched);
    if (sections.length > 0) this.#isAccessStale = true;
    if (REWRITING_SECTIONS.some((section) => sections.includes(section))) this.#isRewritingStale = true;
    this.#take(changes.version, isConcerned);
  }

  /** Listeners are told once the tables of the version are here: what follows it may need a profile that it brought. */
  #take(version: number, isConcerned: ((domain: Domain | AddressLiteral) => boolean) | undefined): void {
    this.#version = version;
    if (this.#isAccessStale) this.#fetching ??= this.#fetchAccess(version);
    if (this.#fetching === undefined) this.#tell(version, isConcerned);
    else void this.#fetching.then(() => this.#tell(version, isConcerned));
  }

  #tell(version: number, isConcerned: ((domain: Domain | AddressLiteral) => boolean) | undefined): void {
    this.#told = version;
    if (isConcerned === undefined) return;
    for (const listener of this.#listeners) listener(version, isConcerned);
  }

  /** What fails is asked again with the next sign of life of the watch; until then the last good tables are used. */
  async #fetchAccess(minVersion: number): Promise<void> {
    this.#isAccessStale = false;
    const kept = this.#isRewritingStale ? undefined : this.#access?.rewriting;
    this.#isRewritingStale = false;
    try {
      const answer = await this.#channels.call(
        (client) =>
          new Promise<wire.GetAccessResponse>((resolve, reject) => {
            const deadline = Date.now() + 5_000;
            client.getAccess(
              { minVersion, withoutRewriting: kept !== undefined },
              this.#channels.metadata,
              { deadline },
              (error, response) => {
                if (error === null) resolve(response);
                else reject(error);
              },
            );
          }),
      );
      // All or none: where one cannot be read, the others would stand beside those of before.
      const [access, profiles, controls] = [readAccess(answer, kept), readProfiles(answer), readControls(answer)];
      this.#access = access;
      this.#takeProfiles(profiles);
      this.#takeControls(controls);
      this.#takeSuspensions(answer.suspensions.flatMap((value) => readSuspension(value) ?? []));
    } catch (error) {
      this.#isAccessStale = true;
      this.#isRewritingStale ||= kept === undefined;
      this.#report(error);
    } finally {
      this.#fetching = undefined;
    }
  }

  #takeProfiles(profiles: ReadonlyMap<string, AuthProfile>): void {
    const names = changedProfiles(this.#profiles, profiles);
    this.#profiles = profiles;
    if (names.size > 0) for (const listener of this.#profileListeners) listener(names);
  }

  #takeControls(controls: DeliveryControls): void {
    const isSame = JSON.stringify(controls) === JSON.stringify(this.#controls);
    this.#controls = controls;
    if (!isSame) for (const listener of this.#controlListeners) listener();
  }

  #takeSuspensions(suspensions: readonly Suspension[]): void {
    const isSame = JSON.stringify(suspensions) === JSON.stringify(this.#suspensions);
    this.#suspensions = suspensions;
    if (!isSame) for (const listener of this.#suspensionListeners) listener();
  }

  close(): void {
    this.#watch.close();
    this.#stream.close();
    this.#channels.close();
  }
}

const REWRITING_SECTIONS = [writeSection('domainMap'), writeSection('aliases')];

/**
 * @param kept what recipients become, where the answer does not say it
 * @throws MtaError `CONFIGURATION_INVALID`: a later release has written what is not known here
 */
export function readAccess(answer: wire.GetAccessResponse, kept?: RecipientRewriting): AccessTables {
  const {
    version,
    recipientAccess,
    mailPolicies,
    outgoingMailPolicies,
    hostAccess,
    mailFlowPolicies,
    virtualGateways,
    dkimProfiles,
  } = answer;
  const policyOf = (value: (typeof mailPolicies)[number]): MailPolicy =>
    readAccessItem({ $case: 'mailPolicy', value })?.item as MailPolicy;
  const rows: AccessRows = {
    entries: recipientAccess.map(
      (value) => readAccessItem({ $case: 'recipientAccess', value })?.item as RecipientAccessEntry,
    ),
    policies: mailPolicies.map(policyOf),
    outgoing: outgoingMailPolicies.map(policyOf),
    hosts: hostAccess.map((value) => known(readHostAccess(value), value.group)),
    flows: mailFlowPolicies.map((value) => known(readMailFlowPolicy(value), value.name)),
    unsubscribed: answer.globalUnsubscribe.map((value) => known(readUnsubscribed(value), value.recipient)),
    bounceKeys: answer.bounceKeys.map((value) => known(readBounceKey(value), String(value.number))),
    gateways: virtualGateways.map(
      (value) => readAccessItem({ $case: 'virtualGateway', value })?.item as VirtualGatewayRow,
    ),
    dkim: dkimProfiles.map((value) => known(readDkimProfile(value), value.name)),
  };
  const rewriting =
    kept ??
    readRewriting(version, {
      domainMap: answer.domainMap.map(readDomainMapping),
      aliases: answer.aliases.map(readAlias),
    });
  return readAccessTables(version, rows, rewriting);
}

/** A row that is not understood is no row to pass over: those below it would decide in its place. */
function known<T>(read: T | undefined, name: string): T {
  if (read !== undefined) return read;
  throw new MtaError('CONFIGURATION_INVALID', `the configuration says of ${name} what is not known here`);
}

function readControls({ destinationControls, bounceProfiles }: wire.GetAccessResponse): DeliveryControls {
  return {
    // Without a row its domain would get what DEFAULT says, TLS included.
    controls: destinationControls.map(
      (value) => known(readPlainItem({ $case: 'destinationControl', value }), value.domain).item as DestinationControl,
    ),
    profiles: bounceProfiles.flatMap((value) => {
      const read = readPlainItem({ $case: 'bounceProfile', value });
      return read === undefined ? [] : [read.item as BounceProfile];
    }),
  };
}

function readProfiles({ authProfiles }: wire.GetAccessResponse): ReadonlyMap<string, AuthProfile> {
  const profiles = new Map<string, AuthProfile>();
  for (const value of authProfiles) {
    const read = readPlainItem({ $case: 'authProfile', value });
    if (read?.section === 'authProfiles') profiles.set(value.name, read.item as AuthProfile);
  }
  return profiles;
}
