/** What administrators have submitted and not committed: staged, looked at, rebased, committed (R203 to R205). */
import {
  type ConfigurationFault,
  type ConfigurationState,
  isDisjoint,
  keyOf,
  type Operation,
  operationsBetween,
  reliedOn,
  touchedBy,
  validateOperations,
} from '@mailyard/configuration';
import type { Remark } from '@mailyard/mail';
import type { TablePair } from '@mailyard/smtp-routes';
import { ApiRefusal } from './api-refusal.ts';
import type { ConfigurationDesk, DeskImport, DeskWaitingMail, FileFormat } from './configuration-desk.ts';
import { DIFFERENCES_TOLD, type DifferenceJson, writeDifference, writeDifferences } from './difference-json.ts';
import { type Draft, DRAFT_LIMIT, type DraftStore } from './draft-store.ts';
import { type EditBase, placeFault, type ReadEdits, readEdits } from './edit-operations.ts';
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

/** What is said of one edit. */
export interface EditJudgement {
  readonly operations: readonly Operation[];
  readonly faults: readonly ConfigurationFault[];
  readonly warnings: readonly Remark[];
}

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

  /** The route tables without and with what is pending. @throws ApiRefusal `NOTHING_PENDING`, `FAULTS` */
  async tables(name: string): Promise<{ readonly version: number; readonly tables: TablePair }> {
    const draft = await this.#drafts.of(name);
    if (draft === undefined) throw nothingPending();
    const { version, faults, tables } = this.#desk.compare(draft.operations);
    if (tables === undefined)
      throw new ApiRefusal(422, 'FAULTS', 'what is pending cannot be committed', { faults, version });
    return { version, tables };
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
    const { differences } = writeDifferences(base, state);
    const relied = reliedOn(operations);
    // By what was committed, as a commit is judged: what was put elsewhere, or there and back, differs in nothing.
    const committed = await this.#desk.history({ limit: state.version - baseVersion });
    const areAllKnown = committed.length === state.version - baseVersion;
    const isConflict =
      !areAllKnown || committed.some(({ changeSet }) => !isDisjoint(relied, touchedBy(changeSet.operations)));
    return { theirs: differences, isConflict };
  }

  /** A version with what is pending done to it, or without: what a page shows. */
  async view(
    name: string,
    asked: { readonly pending: boolean; readonly version?: number | undefined },
  ): Promise<{ readonly state: ConfigurationState; readonly draft: Draft | undefined }> {
    const state = await this.#desk.at(asked.version ?? 0);
    const isDraft = asked.pending && asked.version === undefined;
    return { state, draft: isDraft ? await this.#drafts.of(name) : undefined };
  }

  /**
   * Stages edits, all of them or none.
   *
   * @param seenVersion the version that was shown when they were made
   * @throws ApiRefusal 422 with each fault by its edit
   */
  submit(name: string, edits: readonly Edit[], seenVersion: number | undefined): Promise<void> {
    return this.#drafts.exclusively(name, async () => {
      const draft = await this.#drafts.of(name);
      const base = await this.#baseOf(draft, seenVersion);
      const { operations, faults } = this.#judge(edits, base);
      if (faults.length > 0) throw new ApiRefusal(422, 'FAULTS', 'nothing was staged', { faults });
      const all = [...base.pending, ...operations];
      if (all.length > DRAFT_LIMIT)
        throw new ApiRefusal(409, 'PENDING_EXISTS', `${DRAFT_LIMIT} edits are pending; commit or abandon them first`);
      // Moved to where it stands: nothing is to be staged.
      if (operations.length === 0) return;
      await this.#drafts.put(name, { baseVersion: draft?.baseVersion ?? base.seen.version, operations: all });
    });
  }

  async #baseOf(draft: Draft | undefined, seenVersion: number | undefined): Promise<EditBase> {
    const { state } = this.#desk;
    const isOld = seenVersion !== undefined && seenVersion > 0 && seenVersion < state.version;
    const seen = isOld ? await this.#desk.at(seenVersion) : state;
    return { state, seen, pending: draft?.operations ?? [], rules: this.#desk.rules };
  }

  /** Reads edits and finds every fault, each by its edit. */
  #judge(edits: readonly Edit[], base: EditBase): ReadEdits {
    const read = readEdits(edits, base);
    if (read.faults.length > 0) return read;
    const { faults } = this.#desk.validate([...base.pending, ...read.operations]);
    return { ...read, faults: faults.map((fault) => placeFault(fault, read, edits, base)) };
  }

  /** Judges an edit as it is typed, on what is pending. @returns faults with the fields of its entry or item */
  async check(name: string, edit: Edit): Promise<EditJudgement> {
    const base = await this.#baseOf(await this.#drafts.of(name), undefined);
    const { operations, faults } = this.#judge([edit], base);
    const isRead = operations.length > 0;
    return {
      operations,
      faults: faults.map((fault) => ({ ...fault, field: fault.field.replace(/^edits\[0\]\.(?:route\.|item\.)?/, '') })),
      warnings: isRead ? this.#desk.validate(operations).warnings : [],
    };
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

/**
 * Without what operations expected of the version they were made on; what is gone already is not removed again, and nothing
 * is put above it.
 */
function relaxed(operations: readonly Operation[], state: ConfigurationState): Operation[] {
  const made = new Set<string>();
  const kept: Operation[] = [];
  for (const operation of operations) {
    if (operation.kind === 'set') {
      const { expect: _expect, before, ...rest } = operation;
      const { section } = operation;
      made.add(`${section} ${keyOf(section, operation.item)}`);
      const isThere = before !== undefined && (state.sections[section].has(before) || made.has(`${section} ${before}`));
      kept.push(isThere ? { ...rest, before } : rest);
    } else if (operation.kind === 'remove') {
      const { section, key } = operation;
      if (state.sections[section].has(key) || made.has(`${section} ${key}`)) kept.push(operation);
    } else kept.push(operation);
  }
  return kept;
}
