import type { Readable } from 'node:stream';
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { type Caller, demand, type Gate, type Role } from './caller.ts';
import { readKnownError } from './known-errors.ts';
import { CallRefusal, type WireStatus, writeRefusal } from './refusal.ts';

/** What a handler is told of its call besides the request. */
export interface Call {
  readonly caller: Caller;
  /** Aborted when the caller has gone, or its deadline has passed. */
  readonly signal: AbortSignal;
}

/**
 * A caller that takes nothing of what is sent for so long has its stream ended: it holds a place that others may need. It
 * learns of it when it reads again, and may go on where it stood.
 */
const UNREAD_MS = 300_000;

type AnyCall<Q, A> =
  | ServerUnaryCall<Q, A>
  | ServerReadableStream<Q, A>
  | ServerWritableStream<Q, A>
  | ServerDuplexStream<Q, A>;

/**
 * Makes handlers of grpc-js from functions: who calls is identified, the role is demanded, refusals are sent with their
 * details, and anything else that is thrown is reported here and reaches the caller as `INTERNAL` without its message.
 */
export class Methods {
  readonly #gate: Gate;
  readonly #report: (error: unknown) => void;
  readonly #unreadMs: number;
  /** Rejects for each open stream. */
  readonly #streams = new Set<(refusal: CallRefusal) => void>();

  constructor(gate: Gate, report: (error: unknown) => void, unreadMs = UNREAD_MS) {
    this.#gate = gate;
    this.#report = report;
    this.#unreadMs = unreadMs;
  }

  /** Ends all streams, so that their callers go elsewhere; calls without a stream from here come to their end. */
  endStreams(): void {
    for (const end of this.#streams) end(new CallRefusal(status.UNAVAILABLE, 'the server stops'));
  }

  unary<Q, A>(role: Role, handle: (request: Q, call: Call) => A | Promise<A>): handleUnaryCall<Q, A> {
    return (call, callback) => {
      const seen = new OpenCall(call);
      const refuse = (error: unknown): void => callback(this.#statusOf(error, seen));
      try {
        seen.admit(this.#gate, role);
        const answer = handle(call.request, seen);
        if (answer instanceof Promise) answer.then((value) => callback(null, value), refuse);
        else callback(null, answer);
      } catch (error) {
        refuse(error);
      }
    };
  }

  /** The handler gets the requests as they come, at its own pace. */
  collecting<Q, A>(
    role: Role,
    handle: (requests: AsyncIterable<Q>, call: Call) => Promise<A>,
  ): handleClientStreamingCall<Q, A> {
    return (call, callback) => {
      void this.#run(call, role, (seen) => handle(requestsOf<Q>(call), seen)).then((outcome) => {
        if ('answer' in outcome) callback(null, outcome.answer);
        else callback(outcome.status);
      });
    };
  }

  /** What the handler yields is sent at the caller's pace, and no more to a caller that has none. */
  streaming<Q, A>(
    role: Role,
    handle: (request: Q, call: Call) => AsyncIterable<A> | Iterable<A>,
  ): handleServerStreamingCall<Q, A> {
    return (call) => {
      void this.#stream(call, role, async (seen) => {
        for await (const answer of handle(call.request, seen)) {
          if (seen.signal.aborted) return;
          if (!call.write(answer)) await drained(call, seen.signal, this.#unreadMs);
        }
      }).then((outcome) => finish(call, outcome));
    };
  }

  /** Each request is answered by one answer, in order. The handler answers at once, or with a promise. */
  conversing<Q, A>(role: Role, handle: (request: Q, call: Call) => A | Promise<A>): handleBidiStreamingCall<Q, A> {
    return (call) => {
      void this.#stream(call, role, async (seen) => {
        for await (const request of requestsOf<Q>(call)) {
          const answer = handle(request, seen);
          if (!call.write(answer instanceof Promise ? await answer : answer))
            await drained(call, seen.signal, this.#unreadMs);
        }
      }).then((outcome) => finish(call, outcome));
    };
  }

  #stream<Q, A>(
    call: ServerWritableStream<Q, A> | ServerDuplexStream<Q, A>,
    role: Role,
    work: (seen: Call) => Promise<void>,
  ): Promise<{ answer: void } | { status: WireStatus }> {
    return this.#run(call, role, async (seen) => {
      const stopped = Promise.withResolvers<never>();
      this.#streams.add(stopped.reject);
      try {
        await Promise.race([work(seen), stopped.promise]);
      } finally {
        this.#streams.delete(stopped.reject);
      }
    });
  }

  async #run<Q, A, R>(
    call: AnyCall<Q, A>,
    role: Role,
    work: (seen: Call) => R | Promise<R>,
  ): Promise<{ answer: R } | { status: WireStatus }> {
    const seen = new OpenCall(call);
    // A stream whose caller went away emits it; without a listener that would end the process.
    const events: NodeJS.EventEmitter = call;
    events.on('error', () => seen.end());
    try {
      seen.admit(this.#gate, role);
      return { answer: await work(seen) };
    } catch (error) {
      return { status: this.#statusOf(error, seen) };
    } finally {
      // A handler that is still at work, because its stream was ended from here, learns of it.
      seen.end();
    }
  }

  #statusOf(error: unknown, seen: OpenCall): WireStatus {
    if (error instanceof CallRefusal) return writeRefusal(error);
    const refusal = readKnownError(error);
    if (refusal !== undefined) return writeRefusal(refusal);
    if (!seen.isEnded) this.#report(error);
    return writeRefusal(new CallRefusal(status.INTERNAL, 'internal error; the log of the server has more'));
  }
}

/** A call under way. Its signal is made only for a handler that looks at it. */
class OpenCall implements Call {
  caller: Caller = NOBODY;
  readonly #call: Surface;
  #abort: AbortController | undefined;
  #isEnded = false;

  constructor(call: Surface) {
    this.#call = call;
  }

  /** @throws CallRefusal UNAUTHENTICATED, PERMISSION_DENIED */
  admit(gate: Gate, role: Role): void {
    this.caller = gate.identify(this.#call.metadata, certificateName(this.#call));
    demand(this.caller, role);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      this.#call.on('cancelled', () => this.end());
      if (this.isEnded) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  get isEnded(): boolean {
    return this.#isEnded || this.#call.cancelled;
  }

  end(): void {
    this.#isEnded = true;
    this.#abort?.abort();
  }
}

const NOBODY: Caller = { name: '', role: 'reader' };

/** What all calls of grpc-js have in common. */
interface Surface {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getAuthContext(): { sslPeerCertificate?: { subject?: { CN?: string | string[] } } };
  on(event: 'cancelled', listener: () => void): unknown;
}

function finish<Q, A>(
  call: ServerWritableStream<Q, A> | ServerDuplexStream<Q, A>,
  outcome: { answer: unknown } | { status: WireStatus },
): void {
  if ('answer' in outcome) call.end();
  else call.emit('error', outcome.status);
}

/** The requests of a stream. It stays open when the loop over them ends early, so that a status can still be sent. */
function requestsOf<Q>(call: Readable): AsyncIterable<Q> {
  return call.iterator({ destroyOnReturn: false });
}

/** Also when the caller has gone. @throws CallRefusal `UNAVAILABLE` when it reads nothing for so long */
function drained(stream: NodeJS.EventEmitter, signal: AbortSignal, unreadMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      clearTimeout(timer);
      stream.off('drain', go);
      signal.removeEventListener('abort', go);
      resolve();
    };
    const timer = setTimeout(() => {
      reject(new CallRefusal(status.UNAVAILABLE, `nothing was read for ${unreadMs / 1000} s`));
      go();
    }, unreadMs);
    stream.once('drain', go);
    signal.addEventListener('abort', go, { once: true });
    if (signal.aborted) go();
  });
}

function certificateName(call: Surface): string | undefined {
  const name = call.getAuthContext().sslPeerCertificate?.subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}
