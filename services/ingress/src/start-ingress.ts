import { setTimeout as wait } from 'node:timers/promises';
import { MtaError, type Reply, reply } from '@mailyard/mail';
import { type InjectionHandler, type Receiver, type ReceiverOptions, startReceiver } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';
import { AuthenticationDesk } from './authentication-desk.ts';
import type { IngressContext, IngressPorts } from './context.ts';
import { HostGate } from './host-gate.ts';
import type { IngressSettings } from './ports.ts';
import { PressureGate } from './pressure-gate.ts';
import { RandomOctets } from './random-octets.ts';
import { RecipientRate } from './recipient-rate.ts';
import { IngressTransaction } from './transaction.ts';

/** One listener: where, with which limits, under which settings. */
export interface ListenerPlan {
  readonly host: string;
  readonly port: number;
  /** Which code speaks SMTP: ours unless said otherwise, or the package smtp-server behind it (docs/decisions/0005). */
  readonly engine?: 'native' | 'smtp-server';
  readonly receiver: ReceiverOptions;
  readonly settings: IngressSettings;
}

export interface Ingress {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Takes no more connections and lets open transactions end, for at most this long. */
  stop(limitMs: number): Promise<void>;
}

const SUSPENDED = reply(452, '4.3.2', 'Receiving is suspended, try again later');
const NO_TABLE = reply(451, '4.3.2', 'Not ready, try again later');

/**
 * Starts the listeners.
 *
 * @throws MtaError `SMTP_ADDRESS_TAKEN` when an address cannot be had; listeners that were started are stopped again
 */
export async function startIngress(plans: readonly ListenerPlan[], ports: IngressPorts): Promise<Ingress> {
  const receivers: Receiver[] = [];
  const { queueLog, pressure: board, health, clock } = ports;
  const pressure = new PressureGate(queueLog.partitionCount, board, health, () => clock.now());
  const random = new RandomOctets((octets) => clock.random(octets));
  const rate = new RecipientRate(ports.recipientBoard, () => clock.now());
  const desk = ports.smtpUsers && new AuthenticationDesk(ports.smtpUsers, { now: () => clock.now(), wait });
  try {
    for (const { host, port, engine, receiver, settings } of plans) {
      const start = engine === 'smtp-server' ? await loadSmtpServer() : startReceiver;
      const handler = handlerFor({ ports, settings, pressure, random, rate }, desk);
      receivers.push(
        await start(host, port, receiver, handler).catch((error: unknown) => {
          throw unlistenable(settings.listener, `${host}:${port}`, error);
        }),
      );
    }
  } catch (error) {
    await Promise.all(receivers.map((receiver) => receiver.stop(0)));
    throw error;
  }
  return {
    addresses: receivers.map((receiver) => receiver.address),
    async stop(limitMs) {
      rate.stop();
      await Promise.all(receivers.map((receiver) => receiver.stop(limitMs)));
    },
  };
}

/** What the system says of an address says neither whose it is nor what was to be done there. */
function unlistenable(listener: string, address: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  const message = `the listener ${listener} cannot listen on ${address}: ${error.message}`;
  return new MtaError('SMTP_ADDRESS_TAKEN', message, { cause: error });
}

/** The package is loaded only where a listener wants it. */
async function loadSmtpServer(): Promise<typeof startReceiver> {
  return (await import('@mailyard/smtp-server-listener')).startSmtpServerReceiver;
}

function handlerFor(context: IngressContext, desk: AuthenticationDesk | undefined): InjectionHandler {
  const { ports, settings } = context;
  const gate = new HostGate(settings.listener, ports.access, ports.dns);
  return {
    connect: (session) => gate.admit(session),
    mail(session, command) {
      const refuse = (refusal: Reply): Reply => {
        publishMailEvent({
          kind: 'senderRefused',
          icid: session.icid,
          reversePath: command.reversePath?.address ?? '',
          reply: refusal,
        });
        return refusal;
      };
      const access = ports.access.current();
      if (access === undefined || ports.routes.version === 0) return refuse(NO_TABLE);
      const refusal = gate.refusal(session, access);
      if (refusal !== undefined) return refuse(refusal);
      if (ports.isSuspended?.(settings.listener) === true) return refuse(SUSPENDED);
      const verdict = context.pressure.judge();
      if ('refusal' in verdict) return refuse(verdict.refusal);
      const transaction = new IngressTransaction(context, session, command, access);
      if (verdict.delayMs === 0) return transaction;
      return new Promise((resolve) => setTimeout(resolve, verdict.delayMs, transaction));
    },
    refused(address, { text: reason }) {
      publishMailEvent({ kind: 'injectionRefused', listener: settings.listener, address, reason });
    },
    secured({ icid, tls }) {
      publishMailEvent({
        kind: 'injectionTls',
        icid,
        protocol: tls?.getProtocol() ?? '',
        cipher: tls?.getCipher().name ?? '',
      });
    },
    closed: (session) => gate.release(session),
    ...(desk === undefined
      ? {}
      : {
          scramKeys: (session, name) => desk.scramKeys(session, name),
          judge: (session, evidence) => desk.judge(session, evidence),
        }),
    authenticated({ icid, user }, mechanism) {
      publishMailEvent({ kind: 'injectionAuthentication', icid, mechanism, result: 'succeeded', user: user! });
    },
  };
}
