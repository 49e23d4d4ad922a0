import { reply } from '@mailyard/mail';
import { type InjectionHandler, type Receiver, type ReceiverOptions, startReceiver } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';
import type { IngressSettings } from './ports.ts';
import { judgePressure } from './pressure-gate.ts';
import { type IngressPorts, IngressTransaction } from './transaction.ts';

/** One listener: where, with which limits, under which settings. */
export interface ListenerPlan {
  readonly host: string;
  readonly port: number;
  readonly receiver: ReceiverOptions;
  readonly settings: IngressSettings;
}

export interface Ingress {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Takes no more connections and lets open transactions end, for at most this long. */
  stop(limitMs: number): Promise<void>;
}

const GREETING = { code: 220, text: '' } as const;
const NO_TABLE = reply(451, '4.3.2', 'Not ready, try again later');

/**
 * Starts the listeners.
 *
 * @throws what the system says when an address cannot be had; listeners that were started are stopped again
 */
export async function startIngress(plans: readonly ListenerPlan[], ports: IngressPorts): Promise<Ingress> {
  const receivers: Receiver[] = [];
  try {
    for (const plan of plans)
      receivers.push(await startReceiver(plan.host, plan.port, plan.receiver, handlerFor(plan.settings, ports)));
  } catch (error) {
    await Promise.all(receivers.map((receiver) => receiver.stop(0)));
    throw error;
  }
  return {
    addresses: receivers.map((receiver) => receiver.address),
    async stop(limitMs) {
      await Promise.all(receivers.map((receiver) => receiver.stop(limitMs)));
    },
  };
}

function handlerFor(settings: IngressSettings, ports: IngressPorts): InjectionHandler {
  return {
    connect({ icid, clientAddress }) {
      publishMailEvent({ kind: 'injectionOpened', icid, listener: settings.listener, address: clientAddress });
      return GREETING;
    },
    mail(session, command) {
      const refuse = (refusal: typeof NO_TABLE): typeof NO_TABLE => {
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
      const pressure = judgePressure(ports.queueLog.partitionCount, ports.pressure, ports.health);
      if ('refusal' in pressure) return refuse(pressure.refusal);
      const transaction = new IngressTransaction(session, command, access, ports, settings);
      if (pressure.delayMs === 0) return transaction;
      return new Promise((resolve) => setTimeout(resolve, pressure.delayMs, transaction));
    },
    secured({ icid, tls }) {
      publishMailEvent({
        kind: 'injectionTls',
        icid,
        protocol: tls?.getProtocol() ?? '',
        cipher: tls?.getCipher().name ?? '',
      });
    },
    closed({ icid }) {
      publishMailEvent({ kind: 'injectionClosed', icid });
    },
  };
}
