import { describe, expect, it } from 'vitest';
import { TestClock } from '../delivery-fixture.suite.ts';
import { SteadyTime } from '../partitions/steady-time.ts';
import { WakeUp } from './wake-up.ts';

function sleeping() {
  const clock = new TestClock();
  const context = { clock, steady: new SteadyTime(clock.now()), isStopping: false };
  const turns: number[] = [];
  const wakeUp = new WakeUp(context, () => turns.push(clock.elapsed));
  return { clock, context, turns, wakeUp, start: clock.now().wall };
}

describe('waking up', () => {
  it('gives one turn for all who ask for one soon', async () => {
    const { clock, turns, wakeUp } = sleeping();
    wakeUp.soon();
    wakeUp.soon();
    expect(turns).toEqual([]);
    await clock.advance(0);
    expect(turns).toEqual([0]);
  });

  it('goes by the earliest instant', async () => {
    const { clock, turns, wakeUp, start } = sleeping();
    wakeUp.at(start + 5_000);
    wakeUp.at(start + 2_000);
    wakeUp.at(start + 9_000);
    wakeUp.at(Infinity);
    await clock.advance(20_000);
    expect(turns).toEqual([2_000]);
  });

  it('gives none while the worker stops', async () => {
    const { clock, context, turns, wakeUp, start } = sleeping();
    wakeUp.at(start + 1_000);
    wakeUp.soon();
    context.isStopping = true;
    await clock.advance(2_000);
    expect(turns).toEqual([]);
  });
});
