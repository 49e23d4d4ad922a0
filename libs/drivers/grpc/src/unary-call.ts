import type { Client } from '@grpc/grpc-js';
import type { Channels } from './channels.ts';
import { readRefusal } from './refusal.ts';

/** A method without streams, as its generated definition has it. */
export interface UnaryMethod<Q, A> {
  readonly path: string;
  readonly requestSerialize: (request: Q) => Buffer;
  readonly responseDeserialize: (octets: Buffer) => A;
}

/**
 * Makes one call.
 *
 * @throws CallRefusal when it is refused, nobody answers, or `deadlineMs` have passed
 */
export function callUnary<C extends Client, Q, A>(
  channels: Channels<C>,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Q, A>,
  request: Q,
  deadlineMs: number,
): Promise<A> {
  const make = (client: C): Promise<A> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        channels.metadata,
        { deadline: Date.now() + deadlineMs },
        (error, answer) => {
          if (error === null) resolve(answer!);
          else reject(error);
        },
      );
    });
  return channels.call(make).catch(rethrowRefusal);
}

/** For a failed call: throws what was refused, as a `CallRefusal`. */
export function rethrowRefusal(error: unknown): never {
  throw readRefusal(error) ?? error;
}
