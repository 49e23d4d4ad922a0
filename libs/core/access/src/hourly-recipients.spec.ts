import { describe, expect, it } from 'vitest';
import { HourlyRecipients } from './hourly-recipients.ts';

const HOUR = 3_600_000;
const NOON = 12 * HOUR;

describe('the recipients of the last hour', () => {
  it('are counted for each client over all that count (R128)', () => {
    const counted = new HourlyRecipients();
    counted.add('192.0.2.1', 3, NOON);
    counted.add('192.0.2.1', 4, NOON + 1000);
    counted.add('192.0.2.2', 1, NOON);
    expect(counted.inLastHour('192.0.2.1', NOON + 2000)).toBe(7);
    expect(counted.inLastHour('192.0.2.2', NOON)).toBe(1);
    expect(counted.inLastHour('192.0.2.3', NOON)).toBe(0);
  });

  it('fade through the hour after, and are gone behind it', () => {
    const counted = new HourlyRecipients();
    counted.add('c', 20, NOON + HOUR / 2);
    expect(counted.inLastHour('c', NOON + HOUR)).toBe(20);
    expect(counted.inLastHour('c', NOON + 1.5 * HOUR)).toBe(10);
    counted.add('c', 1, NOON + 1.5 * HOUR);
    expect(counted.inLastHour('c', NOON + 1.5 * HOUR)).toBe(11);
    expect(counted.inLastHour('c', NOON + 3 * HOUR)).toBe(0);
    counted.add('c', 2, NOON + 5 * HOUR);
    expect(counted.inLastHour('c', NOON + 5 * HOUR)).toBe(2);
  });

  it('are shared by what is told and learnt, and by nothing twice (R128)', () => {
    const [one, other] = [new HourlyRecipients(), new HourlyRecipients()];
    one.add('c', 5, NOON);
    other.add('c', 7, NOON);
    expect(one.takeNews()).toEqual([{ client: 'c', hour: 12, recipients: 5 }]);
    expect(one.takeNews()).toEqual([]);
    one.learn('c', 12, 12, 30);
    expect(one.inLastHour('c', NOON)).toBe(42);
    one.add('c', 1, NOON);
    expect(one.takeNews()).toEqual([{ client: 'c', hour: 12, recipients: 1 }]);
    // The answer was lost on its way: the own count stands.
    one.learn('c', 12, 4, 0);
    expect(one.inLastHour('c', NOON)).toBe(43);
    one.learn('c', 11, 900, 900);
    expect(one.inLastHour('c', NOON)).toBe(43);
  });

  it('are forgotten for those heard of longest ago, beyond so many clients', () => {
    const counted = new HourlyRecipients(2);
    counted.add('a', 1, NOON);
    counted.add('b', 1, NOON);
    counted.add('a', 1, NOON);
    counted.add('c', 1, NOON);
    expect(['a', 'b', 'c'].map((client) => counted.inLastHour(client, NOON))).toEqual([2, 0, 1]);
    expect(counted.takeNews().map(({ client }) => client)).toEqual(['a', 'c']);
  });
});
