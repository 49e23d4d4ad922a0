import { reply } from '@mailyard/mail';
import { beforeEach, describe, expect, it } from 'vitest';
import { Incoming } from './incoming.ts';

const TAKEN = reply(250, '2.0.0', 'taken');
let kept: number;
let aborted: number;
let began: number;
beforeEach(() => {
  kept = 0;
  aborted = 0;
  began = performance.now();
});

function incoming(mostOctets: number): Incoming {
  const sink = {
    write: (piece: Buffer) => {
      kept += piece.length;
    },
    end: () => TAKEN,
    abort: () => {
      aborted += 1;
    },
  };
  return new Incoming(sink as never, {} as never, mostOctets);
}

describe('the content of a message that comes in', () => {
  it('may be as large as the limit and no larger; beyond it nothing more is kept (RFC 1870)', async () => {
    const whole = incoming(10);
    await whole.write(Buffer.alloc(10));
    expect([kept, aborted, whole.end()]).toEqual([10, 0, TAKEN]);
    const large = incoming(10);
    await large.write(Buffer.alloc(10));
    await large.write(Buffer.alloc(1));
    await large.write(Buffer.alloc(10));
    expect([kept, aborted]).toEqual([20, 1]);
    expect(large.end()).toMatchObject({ code: 552 });
    expect(large.refusal).toMatchObject({ code: 552 });
    large.drop();
    expect(aborted).toBe(1);
  });

  it('may take ten minutes, and a second more for each KiB that came', async () => {
    const one = incoming(1_000_000);
    const least = one.deadline;
    expect(least).toBeGreaterThanOrEqual(began + 600_000);
    expect(least).toBeLessThanOrEqual(performance.now() + 600_000);
    await one.write(Buffer.alloc(5 * 1_024));
    expect(one.deadline).toBeCloseTo(least + 5_000, 3);
  });

  it('is kept nowhere when it is dropped', async () => {
    const one = incoming(10);
    await one.write(Buffer.alloc(3));
    one.drop();
    expect(aborted).toBe(1);
  });
});
