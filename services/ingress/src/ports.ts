import type {
  HostAccessTable,
  MailPolicyTable,
  RecipientAccessTable,
  RecipientRewriting,
  VirtualGatewayMap,
} from '@mailyard/access';
import type { DkimProfileTable } from '@mailyard/configuration';

/** The parts of the configuration that ingress decides by, as of one version. */
export interface Access {
  readonly version: number;
  readonly recipients: RecipientAccessTable;
  readonly policies: MailPolicyTable;
  /** Of mail from clients that relay (R110). */
  readonly outgoing: MailPolicyTable;
  readonly hosts: HostAccessTable;
  readonly gateways: VirtualGatewayMap;
  /** What recipients become before routes are asked (R136). */
  readonly rewriting: RecipientRewriting;
  /** Whose outgoing mail is signed. */
  readonly dkim: DkimProfileTable;
}

/** Where ingress reads them; undefined while there is no table: mail is then answered 451, never refused. */
export interface AccessSource {
  current(): Access | undefined;
}

/** What stands in the way of taking mail, beyond the pressure of the partitions. */
export interface IngressHealth {
  /** Undefined while the queue log has its quorum and the body store takes bodies; else the reason. */
  away(): string | undefined;
  /** Share of the local disk's limit: 0 empty, 1 at the limit. */
  localShare(): number;
}

/** Time and randomness, as values. */
export interface IngressClock {
  /** Milliseconds of the epoch. */
  now(): number;
  random(octets: number): Uint8Array;
}

export interface IngressSettings {
  readonly hostname: string;
  readonly listener: string;
  /** Bodies up to this size travel in the acceptance. */
  readonly inlineOctets: number;
  readonly maxAgeSeconds: number;
  /** More Received fields than this: 554 5.4.6 (R67). */
  readonly maxReceivedFields: number;
}
