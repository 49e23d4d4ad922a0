import type { Client } from '@grpc/grpc-js';
import type { Channels } from './channels.ts';
import { rethrowRefusal, type UnaryMethod } from './unary-call.ts';

/**
 * Opens a call whose answers come as a stream.
 *
 * @param deadlineMs absent: it may go on for ever
 * @throws CallRefusal from its iterator: refused, nobody answers, or `deadlineMs` have passed
 */
export async function* openStream<C extends Client, Q, A>(
  channels: Channels<C>,
  method: UnaryMethod<Q, A>,
  request: Q,
  deadlineMs?: number,
): AsyncGenerator<A> {
  try {
    yield* streamOf(channels.current, channels, method, request, deadlineMs);
  } catch (error) {
    rethrowRefusal(error);
  }
}

/** Makes a call and collects all of its answers. @throws CallRefusal like {@link openStream} */
export function collectStream<C extends Client, Q, A>(
  channels: Channels<C>,
  method: UnaryMethod<Q, A>,
  request: Q,
  deadlineMs: number,
): Promise<A[]> {
  const read = async (client: C): Promise<A[]> => {
    const answers: A[] = [];
    for await (const answer of streamOf(client, channels, method, request, deadlineMs)) answers.push(answer);
    return answers;
  };
  return channels.call(read).catch(rethrowRefusal);
}

function streamOf<C extends Client, Q, A>(
  client: C,
  { metadata }: Channels<C>,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Q, A>,
  request: Q,
  deadlineMs: number | undefined,
): AsyncIterable<A> {
  const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata, options);
}
