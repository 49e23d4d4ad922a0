import type { Content, ContentPart } from '@mailyard/delivery-rules';
import { HEADER_LIMIT, headerLength } from '@mailyard/mail';
import type { Bodies } from '../partitions/bodies.ts';
import type { MessagePlace } from './message-place.ts';

const PIECE_OCTETS = 65_536;

/**
 * The octets of a copy in pieces that the caller may keep, none larger than a message of gRPC may be (R212).
 *
 * @throws MtaError from its iterator: `BODY_MISSING`, `BODY_STORE_AWAY`, `LOG_AWAY`
 */
export async function* readContent(
  bodies: Bodies,
  [partition, message]: MessagePlace,
  copy: number,
  part: ContentPart,
): AsyncGenerator<Uint8Array> {
  if (part === 'whole') {
    for await (const piece of piecesOf(await bodies.contentOf(partition, message, copy)))
      for (let at = 0; at < piece.length; at += PIECE_OCTETS) yield Buffer.from(piece.subarray(at, at + PIECE_OCTETS));
    return;
  }
  let beginning = await bodies.beginningOf(partition, message, copy, PIECE_OCTETS);
  if (beginning.length === PIECE_OCTETS && headerLength(beginning) === PIECE_OCTETS)
    beginning = await bodies.beginningOf(partition, message, copy, HEADER_LIMIT);
  const header = beginning.subarray(0, headerLength(beginning));
  for (let at = 0; at < header.length; at += PIECE_OCTETS) yield Buffer.from(header.subarray(at, at + PIECE_OCTETS));
}

async function* piecesOf({ octets }: Content): AsyncGenerator<Uint8Array> {
  if (octets instanceof Uint8Array) yield octets;
  else yield* typeof octets === 'function' ? await octets() : octets;
}
