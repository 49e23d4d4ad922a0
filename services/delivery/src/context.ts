import type {
  DeliverySuspension,
  DeliveryTermsSource,
  LimitBoard,
  UnsubscribeList,
  VirtualGateways,
} from '@mailyard/delivery-rules';
import type { BounceKeys } from '@mailyard/mail';
import type { Instant } from '@mailyard/queue';
import type { BodyStore, Incarnation, Presence, PressureBoard, QueueLog } from '@mailyard/queue';
import type { RouteLookup } from '@mailyard/smtp-routes';
import type { Bodies } from './partitions/bodies.ts';
import type { Clock } from './clock.ts';
import type { Reports } from './outcomes/report.ts';
import type { DeliverySettings, OutgoingCredentials } from './settings.ts';
import type { SteadyTime } from './partitions/steady-time.ts';

/** What all parts of one delivery worker share. */
export interface WorkerContext {
  readonly worker: string;
  readonly incarnation: Incarnation;
  readonly settings: DeliverySettings;
  readonly credentials?: OutgoingCredentials;
  /** From where mail of virtual gateways leaves this machine (R147). */
  readonly gateways: VirtualGateways;
  /** Destination controls and bounce profiles, by recipient domain (R140). */
  readonly terms: DeliveryTermsSource;
  /** What senders are tagged with (R140). Absent: with nothing. */
  readonly bounceKeys?: BounceKeys;
  /** Who is sent nothing (R148). Absent: nobody. */
  readonly unsubscribed?: () => UnsubscribeList | undefined;
  /** Absent: nothing is ever suspended. */
  readonly suspension?: DeliverySuspension;
  /** Where workers share limits; absent where there is one worker. */
  readonly limitBoard?: LimitBoard;
  readonly clock: Clock;
  readonly steady: SteadyTime;
  readonly queueLog: QueueLog;
  readonly bodyStore: BodyStore;
  readonly routes: RouteLookup;
  readonly presence: Presence;
  readonly pressure: PressureBoard;
  readonly bodies: Bodies;
  readonly reports: Reports;
  /** Up to where the tracker has read a partition; undefined holds nothing. */
  readonly trackerPosition: (partition: number) => number | undefined;
  /** True from the moment on in which the worker is asked to stop. */
  isStopping: boolean;
}

/** Now, with wall time that never jumps: what due times and decisions go by. */
export function steadyNow({ clock, steady }: Pick<WorkerContext, 'clock' | 'steady'>): Instant {
  const now = clock.now();
  return { wall: Math.floor(steady.at(now)), monotonic: now.monotonic };
}
