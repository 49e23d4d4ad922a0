import { status } from '@grpc/grpc-js';
import type { ConfigurationFault, Operation } from '@mailyard/configuration';
import {
  configurationWire as wire,
  readOperations,
  readSection,
  writeOperation,
  canonicalKey,
} from '@mailyard/contracts';
import { type Call, CallRefusal, demand, type GrpcServer, type Role } from '@mailyard/grpc';
import type { Remark } from '@mailyard/mail';
import { ROUTE_FILE_LIMITS } from '@mailyard/smtp-routes';
import type { Administration, ChangeRequest, HistoryQuery } from './administration.ts';
import type { WaitingMail } from './preview.ts';
import {
  authorOf,
  demandCommitted,
  demandOperations,
  writeDifference,
  writeDifferences,
  writeFault,
  writeSummary,
} from './wire.ts';

export const CONFIGURATION_SERVICE = 'mailyard.routing.v1.ConfigurationService';

const PIECE_OCTETS = 256 * 1024;
/** Of a dry import; the counts are of all. */
const DIFFERENCES_TOLD = 10_000;
const FORMATS = ['smtproutes', 'smtproutes', 'mailertable', 'transport'] as const;
/** Characters of a reason and of an author. */
const TEXT_LIMIT = 1_000;
const ID = /^[\x21-\x7e]{1,64}$/;

/** Registers ConfigurationService: what administrators ask. */
export function addConfigurationService(server: GrpcServer, administration: Administration, release: string): void {
  const { methods } = server;
  const { rules } = administration;
  const implementation: wire.ConfigurationServiceServer = {
    validate: methods.unary('reader', async ({ operations }) => {
      const faults: ConfigurationFault[] = [];
      const read = readOperations(operations, rules, faults);
      const validation = administration.validate(faults.length > 0 ? [] : read);
      return {
        version: validation.version,
        faults: [...faults, ...validation.faults].map(writeFault),
        warnings: textsOf([...validation.warnings, ...(await administration.listenerWarnings(read))]),
      };
    }),
    preview: methods.unary('reader', async ({ operations, expectedVersion, rollBackTo }) => {
      const faults: ConfigurationFault[] = [];
      const read =
        rollBackTo === undefined
          ? readOperations(operations, rules, faults)
          : await administration.rollbackOperations(rollBackTo);
      const conflict = await administration.conflictOf(read, expectedVersion);
      if (conflict !== undefined) demandCommitted(conflict);
      const preview = await administration.preview(faults.length > 0 ? [] : read);
      return {
        version: preview.version,
        faults: [...faults, ...preview.faults].map(writeFault),
        warnings: textsOf(preview.warnings),
        differences: preview.after === undefined ? [] : writeDifferences(preview.before, preview.after),
        waiting: preview.waiting === undefined ? undefined : writeWaitingMail(preview.waiting),
      };
    }),
    followWaitingMail: methods.streaming('reader', async function* follow({ version }, { signal }) {
      for await (const { silentOwners, ...figures } of administration.followWaitingMail(version, signal))
        yield { ...figures, silentOwners: [...silentOwners] };
    }),
    commit: methods.unary('operator', async (request, call) => {
      const operations = demandOperations(request.operations, rules);
      demand(call.caller, roleFor(operations));
      const warnings = [
        ...administration.validate(operations).warnings,
        ...(await administration.listenerWarnings(operations)),
      ];
      const outcome = demandCommitted(await administration.commit(operations, changeRequest(request, call)));
      return {
        version: outcome.version,
        hash: outcome.hash,
        wasCommitted: outcome.wasCommitted,
        warnings: textsOf(warnings),
      };
    }),
    import: methods.collecting('administrator', async (requests, call) => {
      const { header, content } = await collect(requests);
      const outcome = await administration.importRoutes(content, {
        ...changeRequest(header, call),
        isDry: header.dryRun,
        format: FORMATS[header.format],
      });
      if (outcome.outcome !== undefined && outcome.outcome.kind !== 'refused') demandCommitted(outcome.outcome);
      const { version, faults, warnings, added, removed, changed, unchanged } = outcome;
      return {
        version,
        faults: faults.map(writeFault),
        warnings: textsOf(warnings),
        added,
        removed,
        changed,
        unchanged,
        isCommitted: outcome.outcome?.kind === 'committed',
        waiting: outcome.waiting === undefined ? undefined : writeWaitingMail(outcome.waiting),
        differences: header.dryRun ? outcome.differences.slice(0, DIFFERENCES_TOLD).map(writeDifference) : [],
      };
    }),
    export: methods.streaming('reader', async function* exportRoutes({ version: asked }) {
      const { version } = await administration.at(asked);
      const text = Buffer.from(await administration.exportRoutes(version, release), 'utf8');
      for (let start = 0; start < text.length; start += PIECE_OCTETS)
        yield { version, content: text.subarray(start, start + PIECE_OCTETS) };
    }),
    history: methods.unary('reader', async (request) => history(administration, request)),
    diff: methods.unary('reader', async ({ fromVersion, toVersion }) => {
      const [from, to] = [await administration.at(fromVersion), await administration.at(toVersion)];
      return { fromVersion: from.version, toVersion: to.version, differences: writeDifferences(from, to) };
    }),
    rollback: methods.unary('administrator', async (request, call) => {
      const outcome = demandCommitted(await administration.rollback(request.toVersion, changeRequest(request, call)));
      return { version: outcome.version, hash: outcome.hash, wasCommitted: outcome.wasCommitted };
    }),
    verify: methods.unary('reader', async () => {
      const { problems, ...verified } = await administration.verify();
      return { ...verified, problems: [...problems] };
    }),
  };
  server.add(CONFIGURATION_SERVICE, wire.ConfigurationServiceService, implementation);
}

function writeWaitingMail({ moves, silentOwners, ...figures }: WaitingMail): wire.WaitingMail {
  return { ...figures, moves: moves.map((move) => ({ ...move })), silentOwners: [...silentOwners] };
}

interface WireChange {
  readonly id: string;
  readonly expectedVersion?: number | undefined;
  readonly author: string;
  readonly reason: string;
  readonly confirmDiscardAll: boolean;
}

function changeRequest(
  { id, expectedVersion, author, reason, confirmDiscardAll }: WireChange,
  call: Call,
): ChangeRequest {
  if (id !== '' && !ID.test(id))
    throw new CallRefusal(status.INVALID_ARGUMENT, 'an id is 1 to 64 printable characters without blanks');
  // Everybody who looks at the history reads them.
  for (const [name, text] of Object.entries({ reason, author }))
    if (text.length > TEXT_LIMIT)
      throw new CallRefusal(status.INVALID_ARGUMENT, `the ${name} has more than ${TEXT_LIMIT} characters`);
  return {
    ...(id === '' ? {} : { id }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(reason === '' ? {} : { reason }),
    author: authorOf(call, author),
    confirmDiscardAll,
  };
}

/** To let delivery or receiving rest is to act on mail (R211); all else is an administrator's. */
function roleFor(operations: readonly Operation[]): Role {
  const isSuspending = operations.every((operation) => 'section' in operation && operation.section === 'suspensions');
  return isSuspending && operations.length > 0 ? 'operator' : 'administrator';
}

/** Collects a file that comes in pieces, up to the size that a file may have. */
async function collect(
  requests: AsyncIterable<wire.ImportRequest>,
): Promise<{ header: wire.ImportHeader; content: Buffer }> {
  let header: wire.ImportHeader | undefined;
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const { part } of requests) {
    if (part?.$case === 'header') header = part.value;
    else if (part?.$case === 'content') {
      octets += part.value.length;
      if (octets > ROUTE_FILE_LIMITS.octets)
        throw new CallRefusal(status.INVALID_ARGUMENT, `the file has more than ${ROUTE_FILE_LIMITS.octets} octets`);
      pieces.push(part.value);
    }
  }
  if (header === undefined) throw new CallRefusal(status.INVALID_ARGUMENT, 'an import begins with its header');
  return { header, content: Buffer.concat(pieces) };
}

async function history(administration: Administration, request: wire.HistoryRequest): Promise<wire.HistoryResponse> {
  const { id, withOperations, key } = request;
  const write = (committed: Parameters<typeof writeSummary>[0]): wire.HistoryEntry => ({
    change: writeSummary(committed),
    operations: withOperations ? committed.changeSet.operations.map(writeOperation) : [],
  });
  if (id !== '') {
    const found = await administration.find(id);
    return { entries: found === undefined ? [] : [write(found)], nextBeforeVersion: 0 };
  }
  const section = readSection(request.section);
  const limit = Math.min(1000, request.pageSize === 0 ? 20 : request.pageSize);
  const query: HistoryQuery = {
    limit,
    ...(request.beforeVersion === 0 ? {} : { before: request.beforeVersion }),
    ...(section === undefined ? {} : { section }),
    ...(section === undefined || key === '' ? {} : { key: canonicalKey(section, key) }),
  };
  const found = await administration.history(query);
  const last = found.at(-1)?.changeSet.version ?? 0;
  return { entries: found.map(write), nextBeforeVersion: found.length === limit && last > 1 ? last : 0 };
}

function textsOf(remarks: readonly Remark[]): string[] {
  return remarks.map(({ message }) => message);
}
