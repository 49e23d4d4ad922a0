/** What administrators have submitted and not committed: staged, looked at, rebased, committed (R203 to R205). */
import {
  type ConfigurationFault,
  type ConfigurationState,
  DEFAULTS,
  differences,
  isDisjoint,
  keyOf,
  type Operation,
  operationsBetween,
  touchedBy,
  validateOperations,
} from '@mailyard/configuration';
import { canonicalKey } from '@mailyard/contracts';
import type { Remark } from '@mailyard/mail';
import { readRoute, type ReceivingDomain } from '@mailyard/smtp-routes';
import { ApiRefusal } from './api-refusal.ts';
import type { ConfigurationDesk, DeskImport, DeskWaitingMail, FileFormat } from './configuration-desk.ts';
import { DIFFERENCES_TOLD, type DifferenceJson, writeDifference, writeDifferences } from './difference-json.ts';
import { type Draft, DRAFT_LIMIT, type DraftStore } from './draft-store.ts';
import { KeptAnswer } from './kept-answer.ts';
import type { Edit } from './shape.ts';

/** What a change does to very much mail is dear to tell, and the page says as of when it is. */
const LOOK = { mostMs: 30_000 };

export interface CommitRequest {
  readonly comment: string;
  readonly id?: string | undefined;
  readonly confirmDiscardAll?: boolean | undefined;
}

export interface PendingCount {
  readonly count: number;
  /** The version that the changes were made on. */
  readonly baseVersion: number;
  /** The newest. */
  readonly version: number;
}

/** What the API tells of pending changes. */
type PendingJson = PendingCount & Readonly<Record<string, unknown>>;

export class PendingChanges {
  readonly #desk: ConfigurationDesk;
  readonly #drafts: DraftStore;
  /** Of each draft, what it would do to a version: looked up once for all who look at it. */
  readonly #looks = new WeakMap<Draft, { readonly version: number; readonly kept: KeptAnswer<PendingJson> }>();

  constructor(desk: ConfigurationDesk, drafts: DraftStore) {
    this.#desk = desk;
    this.#drafts = drafts;
  }

  of(name: string): Promise<Draft | undefined> {
    return this.#drafts.of(name);
  }

  /** How much is pending: what every page asks for again and again. */
  async count(name: string): Promise<PendingCount> {
    const { version } = this.#desk.state;
    const draft = await this.#drafts.of(name);
    return { count: draft?.operations.length ?? 0, baseVersion: draft?.baseVersion ?? version, version };
  }

  /** The pending changes with all that somebody should see before committing them. */
  async show(name: string): Promise<PendingJson> {
    const { version } = this.#desk.state;
    const draft = await this.#drafts.of(name);
    if (draft === undefined)
      return {
        ...{ count: 0, baseVersion: version, version, faults: [], warnings: [] },
        ...{ differences: [], differenceCount: 0, theirs: [], isConflict: false },
      };
    let look = this.#looks.get(draft);
    if (look?.version !== version) {
      look = { version, kept: new KeptAnswer(() => this.#look(draft), LOOK) };
      this.#looks.set(draft, look);
    }
    return look.kept.get();
  }

  async #look(draft: Draft): Promise<PendingJson> {
    const { operations, baseVersion } = draft;
    const countedAt = Date.now();
    const preview = await this.#desk.preview(operations);
    return {
      count: operations.length,
      baseVersion,
      version: preview.version,
      faults: preview.faults,
      warnings: preview.warnings,
      ...(preview.after === undefined
        ? { differences: [], differenceCount: 0 }
        : writeDifferences(preview.before, preview.after)),
      ...(preview.waiting === undefined ? {} : { waiting: { ...waitingJson(preview.waiting), countedAt } }),
      ...(await this.#theirs(draft, preview.before)),
    };
  }

  /** What others committed since the draft was begun, and whether it touches the same. */
  async #theirs(
    { baseVersion, operations }: Draft,
    state: ConfigurationState,
  ): Promise<{ readonly theirs: readonly DifferenceJson[]; readonly isConflict: boolean }> {
    if (baseVersion === state.version) return { theirs: [], isConflict: false };
    const base = await this.#desk.at(baseVersion);
    const touched = new Set<string>();
    const theirs: DifferenceJson[] = [];
    for (const difference of differences(base, state)) {
      touched.add(`${difference.section} ${difference.key}`);
      if (theirs.length < DIFFERENCES_TOLD) theirs.push(writeDifference(difference));
    }
    if (base.mode !== state.mode) {
      touched.add('routes *');
      theirs.unshift({ section: 'matchingMode', key: '', before: base.mode, after: state.mode });
    }
    return { theirs, isConflict: !isDisjoint(touchedBy(operations), touched) };
  }

  /** Stages edits, all of them or none. @throws ApiRefusal 422 with each fault by its edit */
  submit(name: string, edits: readonly Edit[], seenVersion: number | undefined): Promise<void> {
    return this.#drafts.exclusively(name, async () => {
      const { state } = this.#desk;
      const draft = await this.#drafts.of(name);
      const before = draft?.operations ?? [];
      const faults: ConfigurationFault[] = [];
      const owners: number[] = [];
      const operations: Operation[] = [];
      for (const [index, edit] of edits.entries())
        for (const operation of this.#operationsOf(edit, `edits[${index}]`, [...before, ...operations], faults)) {
          operations.push(operation);
          owners.push(index);
        }
      if (faults.length === 0) {
        const all = [...before, ...operations];
        for (const fault of this.#desk.validate(all).faults)
          faults.push(placeFault(fault, before.length, owners, edits));
      }
      if (faults.length > 0) throw new ApiRefusal(422, 'FAULTS', 'nothing was staged', { faults });
      if (before.length + operations.length > DRAFT_LIMIT)
        throw new ApiRefusal(409, 'PENDING_EXISTS', `${DRAFT_LIMIT} edits are pending; commit or abandon them first`);
      const base =
        seenVersion === undefined || seenVersion === 0 ? state.version : Math.min(seenVersion, state.version);
      await this.#drafts.put(name, { baseVersion: draft?.baseVersion ?? base, operations: [...before, ...operations] });
    });
  }

  *#operationsOf(
    edit: Edit,
    place: string,
    before: readonly Operation[],
    faults: ConfigurationFault[],
  ): Iterable<Operation> {
    switch (edit.kind) {
      case 'remove': {
        yield { kind: 'remove', section: 'routes', key: canonicalKey('routes', edit.receivingDomain) };
        return;
      }
      case 'removeAll': {
        const ending = lastDefault(this.#desk.state, before);
        yield { kind: 'replace', section: 'routes', items: [ending] };
        return;
      }
      case 'matchingMode': {
        yield { kind: 'matchingMode', mode: edit.mode };
        return;
      }
      case 'set': {
        const { authProfile, ...written } = edit.route;
        const read = readRoute(authProfile === undefined ? written : { ...written, authProfile }, this.#desk.rules);
        if ('faults' in read) {
          for (const fault of read.faults) faults.push({ ...fault, field: `${place}.route.${fault.field}` });
          return;
        }
        const { route } = read;
        const old = edit.replaces === undefined ? undefined : canonicalKey('routes', edit.replaces);
        const isRenamed = old !== undefined && old !== keyOf('routes', route);
        if (isRenamed) yield { kind: 'remove', section: 'routes', key: old };
        yield { kind: 'set', section: 'routes', item: route, expect: isRenamed ? 'absent' : edit.expect };
      }
    }
  }

  /** Judges an entry as it is typed, on what is pending. @returns faults with the fields of the form */
  async check(
    name: string,
    written: Extract<Edit, { kind: 'set' }>['route'],
    editing: string | undefined,
  ): Promise<{
    readonly faults: readonly ConfigurationFault[];
    readonly warnings: readonly Remark[];
    readonly receivingDomain?: ReceivingDomain;
  }> {
    const before = (await this.#drafts.of(name))?.operations ?? [];
    const edit: Edit = {
      kind: 'set',
      route: written,
      expect: editing === undefined ? 'absent' : 'present',
      replaces: editing,
    };
    const faults: ConfigurationFault[] = [];
    const operations = [...this.#operationsOf(edit, '', before, faults)];
    const bare = (fault: ConfigurationFault): ConfigurationFault => ({
      ...fault,
      field: fault.field.replace(/^.*\.?route\./, ''),
    });
    if (faults.length > 0) return { faults: faults.map(bare), warnings: [] };
    const found = this.#desk.validate([...before, ...operations]);
    const own = found.faults.map((fault) =>
      placeFault(
        fault,
        before.length,
        operations.map(() => 0),
        [edit],
      ),
    );
    const set = operations.at(-1) as Extract<Operation, { kind: 'set'; section: 'routes' }>;
    const { warnings } = this.#desk.validate(operations);
    return { faults: own.map(bare), warnings, receivingDomain: set.item.receivingDomain };
  }

  /** Tells what a file would do to the committed table, and stages it when asked to and it has no faults. */
  async importFile(name: string, octets: Buffer, format: FileFormat, isStaged: boolean): Promise<DeskImport> {
    const found = await this.#desk.importRoutes(octets, { author: name, isDry: true, format });
    if (!isStaged || found.faults.length > 0 || found.operations.length === 0) return found;
    await this.#drafts.exclusively(name, async () => {
      const draft = await this.#drafts.of(name);
      const operations = [...(draft?.operations ?? []), ...found.operations];
      await this.#drafts.put(name, { baseVersion: draft?.baseVersion ?? found.version, operations });
    });
    return found;
  }

  /** Stages what makes the configuration say again what a version said. @throws ApiRefusal 409 `PENDING_EXISTS` */
  async rollBack(name: string, toVersion: number): Promise<void> {
    const target = await this.#desk.at(toVersion);
    await this.#drafts.exclusively(name, async () => {
      if ((await this.#drafts.of(name)) !== undefined)
        throw new ApiRefusal(409, 'PENDING_EXISTS', 'other changes are pending; commit or abandon them first');
      const { state } = this.#desk;
      const operations = operationsBetween(state, target);
      if (operations.length === 0)
        throw new ApiRefusal(409, 'NOTHING_PENDING', `the configuration says what version ${toVersion} said`);
      await this.#drafts.put(name, { baseVersion: state.version, operations });
    });
  }

  /**
   * Goes on from the newest version, whose changes somebody has looked at: what both touch becomes what is pending here.
   *
   * @throws ApiRefusal 409 when a newer one was committed meanwhile, 422 when the changes cannot follow it
   */
  rebase(name: string, version: number): Promise<void> {
    return this.#drafts.exclusively(name, async () => {
      const { state } = this.#desk;
      const draft = await this.#drafts.of(name);
      if (draft === undefined) throw nothingPending();
      if (version !== state.version) {
        const { theirs } = await this.#theirs(draft, state);
        throw new ApiRefusal(409, 'VERSION_CONFLICT', `version ${state.version} is the newest`, {
          version: state.version,
          differences: theirs,
        });
      }
      const operations = relaxed(draft.operations, state);
      const faults = validateOperations(state, operations, this.#desk.rules);
      if (faults.length > 0)
        throw new ApiRefusal(422, 'FAULTS', 'the changes cannot follow the newest version', { faults });
      if (operations.length === 0) await this.#drafts.drop(name);
      else await this.#drafts.put(name, { baseVersion: version, operations });
    });
  }

  abandon(name: string): Promise<void> {
    return this.#drafts.exclusively(name, () => this.#drafts.drop(name));
  }

  /** @throws ApiRefusal 409 (conflict, unconfirmed, nothing there), 422 */
  commit(name: string, request: CommitRequest): Promise<{ readonly version: number; readonly hash: string }> {
    return this.#drafts.exclusively(name, async () => {
      const draft = await this.#drafts.of(name);
      if (draft === undefined) {
        const before = request.id === undefined ? undefined : await this.#desk.find(request.id);
        if (before === undefined) throw nothingPending();
        return { version: before.changeSet.version, hash: before.hash };
      }
      const { id, comment, confirmDiscardAll } = request;
      const outcome = await this.#desk.commit(draft.operations, {
        ...(id === undefined ? {} : { id }),
        ...(confirmDiscardAll === undefined ? {} : { confirmDiscardAll }),
        author: name,
        reason: comment,
        expectedVersion: draft.baseVersion,
      });
      if (outcome.kind !== 'committed') throw refusalOf(outcome);
      await this.#drafts.drop(name);
      return { version: outcome.version, hash: outcome.hash };
    });
  }
}

export function refusalOf(outcome: Exclude<Awaited<ReturnType<ConfigurationDesk['commit']>>, { kind: 'committed' }>) {
  const { version } = outcome;
  switch (outcome.kind) {
    case 'refused':
      return new ApiRefusal(422, 'FAULTS', 'nothing was committed', { faults: outcome.faults, version });
    case 'conflict':
      return new ApiRefusal(409, 'VERSION_CONFLICT', `version ${version} is the newest and changed the same`, {
        version,
        differences: outcome.differences.slice(0, DIFFERENCES_TOLD).map(writeDifference),
      });
    case 'unconfirmed':
      return new ApiRefusal(
        409,
        'CONFIRMATION_REQUIRED',
        'ALL /dev/null drops the mail of every domain without an entry; confirm it',
        { version },
      );
  }
}

function waitingJson({ moves, ...figures }: DeskWaitingMail): DeskWaitingMail {
  return { ...figures, moves: moves.slice(0, DIFFERENCES_TOLD) };
}

function nothingPending(): ApiRefusal {
  return new ApiRefusal(409, 'NOTHING_PENDING', 'nothing is pending');
}

/** The value that ALL has after some operations: deleting all leaves it untouched (R201). */
function lastDefault(state: ConfigurationState, operations: readonly Operation[]) {
  let ending = state.sections.routes.get('ALL')!.item;
  for (const operation of operations) {
    if (operation.kind === 'set' && operation.section === 'routes' && operation.item.receivingDomain === 'ALL')
      ending = operation.item;
    if (operation.kind === 'replace' && operation.section === 'routes')
      ending = operation.items.find(({ receivingDomain }) => receivingDomain === 'ALL') ?? DEFAULTS.routes!;
  }
  return ending;
}

/** Without what operations expected of the version they were made on; what is gone already is not removed again. */
function relaxed(operations: readonly Operation[], state: ConfigurationState): Operation[] {
  const made = new Set<string>();
  const kept: Operation[] = [];
  for (const operation of operations) {
    if (operation.kind === 'set') {
      const { expect: _expect, ...rest } = operation;
      made.add(`${operation.section} ${keyOf(operation.section, operation.item)}`);
      kept.push(rest);
    } else if (operation.kind === 'remove') {
      const { section, key } = operation;
      if (state.sections[section].has(key) || made.has(`${section} ${key}`)) kept.push(operation);
    } else kept.push(operation);
  }
  return kept;
}

const NO_ITEM_FIELD: ReadonlySet<string> = new Set(['ROUTE_AUTH_PROFILE_UNKNOWN']);

/** A fault of an operation as one of the edit that it came from. */
function placeFault(
  fault: ConfigurationFault,
  before: number,
  owners: readonly number[],
  edits: readonly Edit[],
): ConfigurationFault {
  const number = /^operations\[(\d+)\]/.exec(fault.field)?.[1];
  const owner = number === undefined ? undefined : owners[Number(number) - before];
  if (owner !== undefined) {
    const edit = edits[owner]!;
    return { ...fault, field: `edits[${owner}].${edit.kind === 'set' ? 'route.receivingDomain' : 'receivingDomain'}` };
  }
  const guilty = edits.findIndex((edit) => edit.kind === 'set' && edit.route.authProfile === fault.token);
  if (NO_ITEM_FIELD.has(fault.code) && guilty >= 0) return { ...fault, field: `edits[${guilty}].route.authProfile` };
  return {
    ...fault,
    field: edits.length === 1 && edits[0]!.kind === 'set' ? 'edits[0].route.receivingDomain' : 'edits',
  };
}
