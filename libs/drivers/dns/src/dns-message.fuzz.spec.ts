import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readName, readReply, TYPES, writeQuestion } from './dns-message.ts';

const NAME = 'mx.example.test';

/** A reply to a question as a server writes it, its name a pointer. */
function reply(answers: readonly Buffer[], flags = [0x81, 0xa0]): Buffer {
  const message = Buffer.concat([writeQuestion(7, NAME, TYPES.tlsa).subarray(0, -11), ...answers]);
  message[2] = flags[0]!;
  message[3] = flags[1]!;
  message.writeUInt16BE(answers.length, 6);
  message.writeUInt16BE(0, 10);
  return message;
}

const answer = (data: readonly number[], type: number = TYPES.tlsa): Buffer =>
  Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]);

describe('an answer of the DNS', () => {
  it('tells whether it was validated, and its records', () => {
    const read = readReply(reply([answer([3, 1, 1, 9])]), 7, NAME, TYPES.tlsa);
    expect(read).toMatchObject({ code: 0, isAuthentic: true, isTruncated: false });
    expect(read!.answers).toEqual([{ owner: NAME, type: TYPES.tlsa, ttlSeconds: 60, data: Buffer.from([3, 1, 1, 9]) }]);
    expect(readReply(reply([], [0x83, 0x83]), 7, NAME, TYPES.tlsa)).toMatchObject({
      code: 3,
      isAuthentic: false,
      isTruncated: true,
    });
  });

  it('is none when it is to another question, or one itself', () => {
    const message = reply([]);
    expect(readReply(message, 8, NAME, TYPES.tlsa)).toBeUndefined();
    expect(readReply(message, 7, 'other.test', TYPES.tlsa)).toBeUndefined();
    expect(readReply(message, 7, NAME, TYPES.a)).toBeUndefined();
    expect(readReply(writeQuestion(7, NAME, TYPES.tlsa), 7, NAME, TYPES.tlsa)).toBeUndefined();
  });

  it('with a name that goes round in circles ends', () => {
    expect(() => readName(Buffer.from([0xc0, 0]), 0)).toThrow(RangeError);
  });

  it('that is damaged anywhere is read or refused, never read for ever or beyond its end', () => {
    const whole = reply([answer([3, 1, 1, ...Array.from({ length: 32 }, () => 1)]), answer([1, 2], 5)]);
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }),
        (length, changes) => {
          const message = Buffer.from(whole);
          for (const [at, octet] of changes) message[at] = octet;
          try {
            const read = readReply(message.subarray(0, length), 7, NAME, TYPES.tlsa);
            for (const { data } of read?.answers ?? []) expect(data.length).toBeLessThanOrEqual(length);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is asked for by no name that the DNS does not have', () => {
    for (const name of ['', 'a..test', `${'a'.repeat(64)}.test`])
      expect(() => writeQuestion(1, name, TYPES.a)).toThrow(RangeError);
  });
});
