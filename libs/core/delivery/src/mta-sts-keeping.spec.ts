import type { Domain } from '@mailyard/mail';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FETCH_AGAIN_MS,
  heldMtaSts,
  holdsUntil,
  type KeptMtaStsPolicy,
  type MtaStsKnowledge,
  nextMtaStsStep,
} from './mta-sts-keeping.ts';

const HOUR = 3_600_000;
const domain = 'example.com' as Domain;
const keptFor = (maxAgeSeconds: number, fetchedAt = 0, id = '1'): KeptMtaStsPolicy => ({
  policy: { mode: 'enforce', mx: ['mx.example.com'], maxAgeSeconds },
  id,
  fetchedAt,
});
const week = keptFor(604_800);
const failedAt = (at: number, id: string) => ({ id, at, reason: 'away' });
const gone = { problem: 'none of its TXT records is one of MTA-STS' };

describe('fetching a policy (R144, RFC 8461 §3.3, §5.1)', () => {
  it.each<[string, MtaStsKnowledge, Parameters<typeof nextMtaStsStep>[1], number, string]>([
    ['one that is not kept', {}, { id: '1' }, 0, 'fetch'],
    ['one that is kept', { kept: week }, { id: '1' }, HOUR, 'nothing'],
    ['another one than is kept', { kept: week }, { id: '2' }, HOUR, 'fetch'],
    ['one that has run out', { kept: week }, { id: '1' }, 169 * HOUR, 'fetch'],
    ['one that is a day old', { kept: week }, { id: '1' }, 24 * HOUR, 'refresh'],
    ['one that is half over', { kept: keptFor(7_200) }, { id: '1' }, HOUR, 'refresh'],
    ['one that asks for no time', { kept: keptFor(0) }, { id: '1' }, FETCH_AGAIN_MS - 1, 'nothing'],
    ['one that asked for no time', { kept: keptFor(0) }, { id: '1' }, FETCH_AGAIN_MS, 'fetch'],
    ['one that could not be had just now', { failed: failedAt(0, '1') }, { id: '1' }, FETCH_AGAIN_MS - 1, 'nothing'],
    ['one that could not be had a while ago', { failed: failedAt(0, '1') }, { id: '1' }, FETCH_AGAIN_MS, 'fetch'],
    ['another one than could not be had', { failed: failedAt(0, '1') }, { id: '2' }, 1, 'fetch'],
    ['one that could not be fetched again', { kept: week, failed: failedAt(HOUR, '2') }, { id: '2' }, HOUR, 'nothing'],
    ['one that could not be had, by a clock put back', { failed: failedAt(HOUR, '1') }, { id: '1' }, 0, 'fetch'],
    ['one that is kept, by a clock put back', { kept: keptFor(604_800, HOUR) }, { id: '1' }, 0, 'refresh'],
    ['none', {}, gone, 0, 'nothing'],
    ['one whose record is gone', { kept: week }, gone, 24 * HOUR, 'nothing'],
    ['one of which the DNS says nothing', { kept: week }, undefined, 24 * HOUR, 'nothing'],
  ])('%s', (_what, knowledge, record, now, step) => {
    expect(nextMtaStsStep(knowledge, record, now)).toBe(step);
  });

  it('never asks a host twice in five minutes for one id, whatever comes of it', () => {
    const wait = fc.integer({ min: 0, max: 2 * FETCH_AGAIN_MS });
    const event = fc.record({ wait, isWell: fc.boolean(), maxAge: fc.constantFrom(0, 10, 300, 86_400) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let knowledge: MtaStsKnowledge = {};
        let [now, last] = [0, -Infinity];
        for (const { wait: waited, isWell, maxAge } of events) {
          now += waited;
          if (nextMtaStsStep(knowledge, { id: '1' }, now) === 'nothing') continue;
          expect(now - last).toBeGreaterThanOrEqual(FETCH_AGAIN_MS);
          last = now;
          knowledge = isWell ? { kept: keptFor(maxAge, now) } : { ...knowledge, failed: failedAt(now, '1') };
        }
      }),
    );
  });
});

describe('the policy that holds (R144, RFC 8461 §3.3, §5.1)', () => {
  it('is the one that is kept until it has run out, though its record is gone, changed, or not to be had', () => {
    for (const record of [{ id: '1' }, { id: '2' }, gone, undefined])
      for (const failed of [undefined, failedAt(5, '2')]) {
        const knowledge = { kept: week, ...(failed === undefined ? {} : { failed }) };
        expect(heldMtaSts(domain, knowledge, record, holdsUntil(week) - 1)).toEqual({ kind: 'policy', ...week });
        expect(heldMtaSts(domain, knowledge, record, holdsUntil(week))).toMatchObject({ kind: 'none' });
      }
  });

  it.each([
    [{}, gone, 'example.com has no policy: none of its TXT records is one of MTA-STS'],
    [{}, undefined, 'the DNS does not say whether example.com has a policy'],
    [{ failed: failedAt(0, '1') }, { id: '1' }, 'example.com has a policy that cannot be had: away'],
  ])('is none where %j', (knowledge, record, reason) => {
    expect(heldMtaSts(domain, knowledge, record, 0)).toEqual({ kind: 'none', reason });
  });
});
