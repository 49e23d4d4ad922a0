import { type handleBidiStreamingCall, type handleUnaryCall, status } from '@grpc/grpc-js';
import { itemsOf, rewritingOf } from '@mailyard/configuration';
import {
  encodeDecisions,
  routingWire as wire,
  writeAlias,
  writeAuthProfile,
  writeBounceKey,
  writeBounceProfile,
  writeDecision,
  writeDestinationControl,
  writeDomainMapping,
  writeDkimProfile,
  writeVirtualGateway,
  writeMailPolicy,
  writeMode,
  writeHostAccess,
  writeMailFlowPolicy,
  writeRecipientAccess,
  writeSmtpRoute,
  writeSuspension,
  writeUnsubscribed,
} from '@mailyard/contracts';
import { type Call, CallRefusal, type GrpcServer } from '@mailyard/grpc';
import { MtaError, recipientDomain } from '@mailyard/mail';
import { printTarget, readReceivingDomain } from '@mailyard/smtp-routes';
import type { Administration, Moment } from './administration.ts';
import type { Committed } from './committed.ts';
import type { ConfigurationFollower, Served } from './configuration-follower.ts';
import { explainRewriting, explainUnsubscribed } from './explain-rewriting.ts';
import { demandOperations, writeSummary } from './wire.ts';
import { watchChanges } from './watch-changes.ts';

export const ROUTING_SERVICE = 'mailyard.routing.v1.RoutingService';

const BATCH_LIMIT = 10_000;
const ROUTES_A_PIECE = 1000;
const VERDICTS = { winner: 1, lessSpecific: 2, emptyDefault: 3 } as const;
const STANDINGS = { unknown: 0, up: 1, down: 2 } as const;
const WHY = {
  winner: 'the most specific entry',
  lessSpecific: 'an entry that names more of the domain stands above it',
  emptyDefault: 'ALL has no destination: mail goes to the exchangers of the recipient domain',
} as const;

type Implementation = Omit<wire.RoutingServiceServer, 'lookup' | 'lookupBatch'> & {
  readonly lookup: handleUnaryCall<wire.LookupRequest, Buffer>;
  readonly lookupBatch: handleBidiStreamingCall<wire.LookupBatchRequest, Buffer>;
};

/** Registers RoutingService: what delivery, ingress and everyone who wants to know ask. */
export function addRoutingService(
  server: GrpcServer,
  follower: ConfigurationFollower,
  administration: Administration,
): void {
  const { methods } = server;

  function served<A>(minVersion: number, call: Call, answer: (now: Served) => A): A | Promise<A> {
    const now = follower.demand();
    if (now.state.version >= minVersion) return answer(now);
    return waitForVersion(follower, minVersion, call.signal).then(answer);
  }

  const implementation: Implementation = {
    lookup: methods.unary('reader', ({ recipient, minVersion }, call) => {
      const domain = demandDomain(recipient);
      return served(minVersion, call, ({ state, table }) => encodeDecisions([table.lookup(domain)], state.version));
    }),
    lookupBatch: methods.conversing('reader', ({ recipients, minVersion }, call) => {
      if (recipients.length > BATCH_LIMIT)
        throw new CallRefusal(status.INVALID_ARGUMENT, `a batch has at most ${BATCH_LIMIT} recipients`);
      return served(minVersion, call, (now) => answerBatch(now, recipients));
    }),
    watch: methods.streaming('reader', ({ version, hash }, call) => watchChanges(follower, version, hash, call.signal)),
    getTable: methods.streaming('reader', async function* getTable({ version: asked }) {
      const state = await administration.at(asked);
      const { version, hash } = state;
      const mode = writeMode(state.mode);
      let routes: wire.GetTableResponse['routes'] = [];
      for (const { item } of itemsOf(state, 'routes')) {
        routes.push(writeSmtpRoute(item));
        if (routes.length < ROUTES_A_PIECE) continue;
        yield { version, hash, mode, routes };
        routes = [];
      }
      yield { version, hash, mode, routes };
    }),
    getAccess: methods.unary('reader', async ({ minVersion, withoutRewriting }, call) => {
      const { state } = await served(minVersion, call, (now) => now);
      return {
        version: state.version,
        hash: state.hash,
        recipientAccess: Array.from(itemsOf(state, 'rat'), ({ item }) => writeRecipientAccess(item)),
        mailPolicies: Array.from(itemsOf(state, 'policies'), ({ item }) => writeMailPolicy(item)),
        authProfiles: Array.from(itemsOf(state, 'authProfiles'), ({ item }) => writeAuthProfile(item)),
        destinationControls: Array.from(itemsOf(state, 'destinationControls'), ({ item }) =>
          writeDestinationControl(item),
        ),
        bounceProfiles: Array.from(itemsOf(state, 'bounceProfiles'), ({ item }) => writeBounceProfile(item)),
        hostAccess: Array.from(itemsOf(state, 'hat'), ({ item }) => writeHostAccess(item)),
        mailFlowPolicies: Array.from(itemsOf(state, 'mailFlowPolicies'), ({ item }) => writeMailFlowPolicy(item)),
        outgoingMailPolicies: Array.from(itemsOf(state, 'outgoingPolicies'), ({ item }) => writeMailPolicy(item)),
        virtualGateways: Array.from(itemsOf(state, 'virtualGateways'), ({ item }) => writeVirtualGateway(item)),
        suspensions: Array.from(itemsOf(state, 'suspensions'), ({ item }) => writeSuspension(item)),
        globalUnsubscribe: Array.from(itemsOf(state, 'globalUnsubscribe'), ({ item }) => writeUnsubscribed(item)),
        bounceKeys: Array.from(itemsOf(state, 'bounceKeys'), ({ item }) => writeBounceKey(item)),
        domainMap: withoutRewriting
          ? []
          : Array.from(itemsOf(state, 'domainMap'), ({ item }) => writeDomainMapping(item)),
        aliases: withoutRewriting ? [] : Array.from(itemsOf(state, 'aliases'), ({ item }) => writeAlias(item)),
        dkimProfiles: Array.from(itemsOf(state, 'dkimProfiles'), ({ item }) => writeDkimProfile(item)),
      };
    }),
    listRoutes: methods.unary('reader', async (request) => listRoutes(administration, request)),
    getRoute: methods.unary('reader', async ({ receivingDomain, version }) => {
      const read = readReceivingDomain(receivingDomain);
      const state = await administration.at(version);
      const kept = 'code' in read ? undefined : state.sections.routes.get(read.receivingDomain);
      if (kept === undefined)
        throw new CallRefusal(status.NOT_FOUND, `there is no route for ${JSON.stringify(receivingDomain)}`, {
          reason: 'ROUTE_NOT_FOUND',
        });
      return {
        version: state.version,
        route: writeSmtpRoute(kept.item),
        changedBy: await summaryOf(administration, kept.since),
      };
    }),
    explain: methods.unary('reader', async ({ recipient, table }) => {
      const domain = demandDomain(recipient);
      const { state, decision, candidates, hosts, limits, mtaStsPolicy } = await administration.explain(
        domain,
        readMoment(administration, table),
      );
      const told: wire.Candidate[] = [];
      for (const { entry, verdict } of candidates) {
        const changedBy = entry.since > state.version ? undefined : await summaryOf(administration, entry.since);
        told.push({ route: writeSmtpRoute(entry.item), verdict: VERDICTS[verdict], why: WHY[verdict], changedBy });
      }
      const now = follower.served;
      return {
        version: state.version,
        mode: writeMode(state.mode),
        unsubscribed: explainUnsubscribed(recipient, state),
        rewriting: explainRewriting(recipient, state === now?.state ? now.access.rewriting : rewritingOf(state)),
        domain,
        decision: writeDecision(decision),
        candidates: told,
        hosts: hosts.map(({ problem, state: standing, ...host }) => ({
          ...host,
          problem,
          standing: STANDINGS[standing],
        })),
        limits:
          limits === undefined
            ? undefined
            : {
                ...limits,
                control: limits.control ?? '',
                bounceProfile: limits.bounceProfile ?? '',
                maxRecipients: limits.maxRecipients,
                windowMinutes: limits.windowMinutes,
              },
        mtaStsPolicy:
          mtaStsPolicy === undefined ? undefined : { mode: '', mx: [], holdsUntil: 0, problem: '', ...mtaStsPolicy },
      };
    }),
  };
  server.add(ROUTING_SERVICE, SERVICE, implementation);
}

function demandDomain(recipient: string) {
  const domain = recipientDomain(recipient);
  if (domain !== undefined) return domain;
  const violations = [
    {
      field: 'recipient',
      reason: 'RECIPIENT_INVALID',
      description: `${JSON.stringify(recipient.slice(0, 120))} is no domain, literal or address`,
    },
  ];
  throw new CallRefusal(status.INVALID_ARGUMENT, violations[0]!.description, { violations });
}

function answerBatch({ state, table }: Served, recipients: readonly string[]): Buffer {
  const decisions = recipients.map((recipient) => {
    const domain = recipientDomain(recipient);
    return domain === undefined ? undefined : table.lookup(domain);
  });
  return encodeDecisions(decisions, state.version);
}

/** The service with answers to lookups that are encoded already: they are most of what is asked. */
const SERVICE = {
  ...wire.RoutingServiceService,
  lookup: { ...wire.RoutingServiceService.lookup, responseSerialize: (octets: Buffer): Buffer => octets },
  lookupBatch: { ...wire.RoutingServiceService.lookupBatch, responseSerialize: (octets: Buffer): Buffer => octets },
};

async function listRoutes(
  administration: Administration,
  request: wire.ListRoutesRequest,
): Promise<wire.ListRoutesResponse> {
  // A page is of the version that the first page was of, whatever is committed meanwhile.
  const [tokenVersion, tokenPlace] = request.pageToken === '' ? [request.version, 0] : readPageToken(request.pageToken);
  const state = await administration.at(tokenVersion);
  const size = Math.min(1000, request.pageSize === 0 ? 100 : request.pageSize);
  const contains = request.contains.toLowerCase();
  const routes: wire.ListedRoute[] = [];
  let place = 0;
  for (const { item, since } of itemsOf(state, 'routes')) {
    if (
      contains !== '' &&
      !item.receivingDomain.toLowerCase().includes(contains) &&
      !printTarget(item.target).some((text) => text.includes(contains))
    )
      continue;
    if (place++ < tokenPlace) continue;
    if (routes.length === size) break;
    routes.push({ route: writeSmtpRoute(item), since });
  }
  const isMore = place > tokenPlace + size;
  return {
    version: state.version,
    routes,
    nextPageToken: isMore ? `${state.version}.${tokenPlace + size}` : '',
    total: state.sections.routes.size,
    mode: writeMode(state.mode),
  };
}

function readPageToken(token: string): [version: number, place: number] {
  const match = /^(\d{1,15})\.(\d{1,9})$/.exec(token);
  if (match === null) throw new CallRefusal(status.INVALID_ARGUMENT, 'the page token is none of ours');
  return [Number(match[1]), Number(match[2])];
}

function readMoment(administration: Administration, table: wire.ExplainRequest['table']): Moment | undefined {
  if (table === undefined) return undefined;
  if (table.$case === 'version') return { version: table.value };
  return table.$case === 'at'
    ? { at: table.value }
    : { draft: demandOperations(table.value.operations, administration.rules) };
}

async function summaryOf(administration: Administration, version: number): Promise<wire.ChangeSummary | undefined> {
  const committed: Committed | undefined = version === 0 ? undefined : await administration.changeSet(version);
  return committed === undefined ? undefined : writeSummary(committed);
}

/** @throws MtaError `CONFIGURATION_NOT_READY` when the caller's patience ends first */
function waitForVersion(follower: ConfigurationFollower, version: number, signal: AbortSignal): Promise<Served> {
  return new Promise((resolve, reject) => {
    const check = (): void => {
      const served = follower.demand();
      if (served.state.version < version) return;
      finish();
      resolve(served);
    };
    const stopListening = follower.listen({ advanced: check, restarted: check });
    const giveUp = (): void => {
      finish();
      reject(new MtaError('CONFIGURATION_NOT_READY', `version ${version} is not here yet`));
    };
    const timer = setTimeout(giveUp, LONGEST_WAIT_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      stopListening();
    };
    follower.catchUp().then(check, giveUp);
  });
}

const LONGEST_WAIT_MS = 30_000;
