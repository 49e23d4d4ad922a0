import type { HostNames, RecipientBoard } from '@mailyard/access';
import type { DkimSigner } from '@mailyard/dkim';
import type { BounceKeys } from '@mailyard/mail';
import type { BodyStore, PressureBoard, QueueLog } from '@mailyard/queue';
import type { RouteLookup } from '@mailyard/smtp-routes';
import type { SmtpUsers } from './authentication-desk.ts';
import type { AccessSource, IngressClock, IngressHealth, IngressSettings } from './ports.ts';
import type { PressureGate } from './pressure-gate.ts';
import type { RandomOctets } from './random-octets.ts';
import type { RecipientRate } from './recipient-rate.ts';

/** What ingress stands on. */
export interface IngressPorts {
  readonly queueLog: QueueLog;
  readonly bodyStore: BodyStore;
  readonly routes: RouteLookup;
  readonly access: AccessSource;
  readonly pressure: PressureBoard;
  readonly health: IngressHealth;
  readonly clock: IngressClock;
  readonly dns: HostNames;
  /** Where other receiving processes are; absent where this is the only one. */
  readonly recipientBoard?: RecipientBoard;
  /** Who may authenticate at listeners that take AUTH. */
  readonly smtpUsers?: SmtpUsers;
  /** What senders of mail out are tagged with (R140). Absent: bounces are not verified. */
  readonly bounceKeys?: BounceKeys;
  /** Signs outgoing mail. Absent: it goes out as it is. */
  readonly signer?: DkimSigner;
  /** Whether receiving rests at a listener (R211). Absent: never. */
  readonly isSuspended?: (listener: string) => boolean;
}

/** What all transactions of a listener share. */
export interface IngressContext {
  readonly ports: IngressPorts;
  readonly settings: IngressSettings;
  readonly pressure: PressureGate;
  readonly random: RandomOctets;
  readonly rate: RecipientRate;
}
