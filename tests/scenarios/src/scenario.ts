import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SmtpSink, type SinkOptions } from '@mailyard/testkit/smtp-sink';
import { createTransport, type SendMailOptions, type Transporter } from 'nodemailer';
import { Deployment, type Neighbours } from './distributed.ts';
import { Gateway } from './gateway.ts';
import { waitFor } from './wait-for.ts';

export { freePort } from '@mailyard/testkit/services/free-port';

/** What `queue status --json` promises (the outside contract). */
export interface QueueStatus {
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly expired: number;
  readonly dropped: number;
  readonly removed: number;
  readonly waiting: number;
  readonly outcomeUnknown: number;
  readonly destinations: readonly Record<string, unknown>[];
}

/**
 * One scenario: a temporary folder, sinks, gateways and clients that all end with it.
 *
 * Use as `await using scenario = await Scenario.begin()`.
 */
export class Scenario implements AsyncDisposable {
  readonly folder: string;
  readonly #endings: (() => Promise<unknown> | void)[] = [];
  readonly #neighbours: Neighbours | undefined;
  #deployment: Deployment | undefined;

  private constructor(folder: string, neighbours: Neighbours | undefined) {
    this.folder = folder;
    this.#neighbours = neighbours;
  }

  /** @param neighbours the gateways of the scenario are distributed ones on these; absent: embedded */
  static async begin(neighbours?: Neighbours): Promise<Scenario> {
    return new Scenario(await mkdtemp(join(tmpdir(), 'mailyard-scenario-')), neighbours);
  }

  /** Runs at the end of the scenario, last registered first. */
  onEnd(ending: () => Promise<unknown> | void): void {
    this.#endings.push(ending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const ending of this.#endings.reverse()) await ending();
    await rm(this.folder, { recursive: true, force: true });
  }

  async sink(options: SinkOptions = {}): Promise<SmtpSink> {
    const sink = await SmtpSink.start(options);
    this.onEnd(() => sink.stop());
    return sink;
  }

  /** A gateway with all roles in one process, on free ports and the scenario's data folder; more words may follow. */
  async gateway(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Gateway> {
    if (this.#neighbours !== undefined) {
      this.#deployment = await Deployment.begin(this, this.#neighbours);
      return this.#deployment.start('ingress,routing,delivery,admin', args, env);
    }
    const words = [
      '--data',
      join(this.folder, 'data'),
      '--smtp',
      '127.0.0.1:0',
      '--grpc',
      '127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
      ...args,
    ];
    const gateway = await Gateway.start(words, join(this.folder, 'gateway.log'), env);
    this.onEnd(() => gateway.end('SIGKILL'));
    return gateway;
  }

  /** After the last one has gone: embedded on its data folder, distributed on the same stores with an empty one. */
  again(args: readonly string[] = []): Promise<Gateway> {
    return this.#deployment?.start('ingress,routing,delivery,admin', args) ?? this.gateway(args);
  }

  /** A client that keeps one connection, so that messages come in over it in order. */
  client(gateway: Gateway): Transporter {
    const client = createTransport({
      host: '127.0.0.1',
      port: gateway.smtpPort,
      pool: true,
      maxConnections: 1,
      maxMessages: Infinity,
      ignoreTLS: true,
    });
    this.onEnd(() => client.close());
    return client;
  }
}

/** A message of one line to these recipients. */
export function message(to: readonly string[], text = 'hello', more: SendMailOptions = {}): SendMailOptions {
  return {
    from: 'sender@origin.example',
    envelope: { from: 'sender@origin.example', to: [...to] },
    to: 'list@origin.example',
    subject: text,
    text,
    ...more,
  };
}

/** The ledger: accepted = delivered + bounced + expired + dropped + removed + waiting. */
export function addsUp(status: QueueStatus): boolean {
  return (
    status.accepted ===
    status.delivered + status.bounced + status.expired + status.dropped + status.removed + status.waiting
  );
}

/** Waits until the ledger shows this, then returns it. The read model follows the log, so it may lag a little. */
export async function untilStatus(
  gateway: Gateway,
  holds: (status: QueueStatus) => boolean,
  limitMs?: number,
): Promise<QueueStatus> {
  let last: QueueStatus | undefined;
  await waitFor(
    async () => {
      last = await gateway.json<QueueStatus>('queue', 'status');
      return holds(last);
    },
    limitMs,
    () => JSON.stringify(last),
  );
  return last!;
}
