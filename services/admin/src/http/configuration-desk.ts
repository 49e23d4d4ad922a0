/** What the pages ask of the configuration: the one implementation behind gRPC and command line, as they see it. */
import type {
  ChangeSet,
  ConfigurationFault,
  ConfigurationState,
  Difference,
  Operation,
  SectionName,
} from '@mailyard/configuration';
import type { AddressLiteral, Domain, EnhancedStatus, Remark } from '@mailyard/mail';
import type { ForeignFormat, RouteCandidate, RouteDecision, RouteRules, TablePair } from '@mailyard/smtp-routes';

/** Ours, or that of another program (R195). */
export type FileFormat = 'smtproutes' | ForeignFormat;

export interface DeskValidation {
  readonly version: number;
  readonly faults: readonly ConfigurationFault[];
  readonly warnings: readonly Remark[];
}

/** What a change would do to the recipients that wait now. */
export interface DeskWaitingMail {
  readonly waiting: number;
  readonly moved: number;
  readonly moves: readonly { readonly from: string; readonly to: string; readonly recipients: number }[];
  readonly freed: number;
  readonly stranded: number;
  readonly discarded: number;
  /** Owners that did not answer: what they hold is in none of the figures. */
  readonly silentOwners: readonly string[];
}

export interface DeskPreview extends DeskValidation {
  readonly before: ConfigurationState;
  /** None when there are faults. */
  readonly after?: ConfigurationState;
  readonly waiting?: DeskWaitingMail;
}

export interface DeskChangeRequest {
  readonly id?: string;
  readonly expectedVersion?: number;
  readonly author: string;
  readonly reason?: string;
  readonly confirmDiscardAll?: boolean;
}

export type DeskOutcome =
  | { readonly kind: 'committed'; readonly version: number; readonly hash: string; readonly wasCommitted: boolean }
  | { readonly kind: 'refused'; readonly version: number; readonly faults: readonly ConfigurationFault[] }
  | { readonly kind: 'conflict'; readonly version: number; readonly differences: readonly Difference[] }
  | { readonly kind: 'unconfirmed'; readonly version: number };

export interface DeskImport extends DeskValidation {
  readonly operations: readonly Operation[];
  readonly differences: readonly Difference[];
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly unchanged: number;
}

export interface DeskCommitted {
  readonly changeSet: ChangeSet;
  readonly hash: string;
}

export interface DeskExplanation {
  readonly state: ConfigurationState;
  readonly domain: Domain | AddressLiteral;
  readonly decision: RouteDecision;
  readonly candidates: readonly RouteCandidate[];
  readonly hosts: readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly priority: number;
    readonly problem?: string;
    readonly problemStatus?: EnhancedStatus;
  }[];
}

/** Methods throw MtaError `CONFIGURATION_…` when the log or the table is away, `VERSION_NOT_FOUND`. */
export interface ConfigurationDesk {
  readonly rules: RouteRules;
  readonly state: ConfigurationState;
  /** 0 = the newest. */
  at(version: number): Promise<ConfigurationState>;
  validate(operations: readonly Operation[]): DeskValidation;
  preview(operations: readonly Operation[]): Promise<DeskPreview>;
  /** The tables without and with some operations; none when there are faults. */
  compare(operations: readonly Operation[]): DeskValidation & { readonly tables?: TablePair };
  commit(operations: readonly Operation[], request: DeskChangeRequest): Promise<DeskOutcome>;
  importRoutes(
    octets: Uint8Array,
    request: DeskChangeRequest & {
      readonly isDry: true;
      readonly format: FileFormat;
    },
  ): Promise<DeskImport>;
  exportRoutes(version: number, by: string): Promise<string>;
  history(query: {
    readonly limit: number;
    readonly before?: number;
    readonly section?: SectionName;
    readonly key?: string;
  }): Promise<readonly DeskCommitted[]>;
  changeSet(version: number): Promise<DeskCommitted | undefined>;
  find(id: string): Promise<DeskCommitted | undefined>;
  explain(
    domain: Domain | AddressLiteral,
    moment?: { readonly version: number } | { readonly at: number } | { readonly draft: readonly Operation[] },
  ): Promise<DeskExplanation>;
}
