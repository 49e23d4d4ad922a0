import { type DestinationKey, HostStates } from '@mailyard/delivery-rules';
import { describe, expect, it } from 'vitest';
import type { Destination } from './destination.ts';
import { DestinationHosts } from './destination-hosts.ts';
import { Destinations } from './destinations.ts';

/** As much of a destination as the collection looks at. */
function destination(number: number, isIdle = true): Destination {
  const key = `d${number}.example` as DestinationKey;
  const hosts = new DestinationHosts(key, undefined, new HostStates());
  hosts.planned = [{ name: `mx.d${number}.example`, address: `192.0.2.${number % 250}`, port: 25 + number }];
  return { key, hosts, isIdle: () => isIdle } as Partial<Destination> as Destination;
}

function keysOf(destinations: Iterable<Destination>): string[] {
  return Array.from(destinations, ({ key }) => key);
}

describe('Destinations', () => {
  it('keep ten thousand in mind that are down, not those that are down longest and idle', () => {
    const destinations = new Destinations();
    const all = Array.from({ length: 10_003 }, (_, number) => destination(number, number !== 1));
    for (const one of all) {
      destinations.add(one);
      destinations.blocked(one);
    }
    // The first has been tried again meanwhile, and is down anew.
    destinations.blocked(all[0]!);
    const beyond = [...destinations.beyondMind(0)];
    expect(keysOf(beyond)).toEqual(['d2.example', 'd3.example']);
    for (const one of beyond) destinations.delete(one);
    expect(keysOf(destinations.beyondMind(0))).toEqual([]);
    expect(destinations.get('d2.example' as DestinationKey)).toBeUndefined();
    expect(destinations.get('d1.example' as DestinationKey)).toBe(all[1]);
  });

  it('hand out in the turn in which they woke or were called, and not again after it', () => {
    const destinations = new Destinations();
    const pumped: string[] = [];
    const named = (name: string): Destination =>
      ({ pump: () => void pumped.push(name) }) as Partial<Destination> as Destination;
    const one = named('one');
    destinations.woke(one);
    destinations.woke(one);
    destinations.call(named('two'));
    expect(destinations.pump(Infinity)).toBe(true);
    expect(destinations.pump(Infinity)).toBe(true);
    expect(pumped).toEqual(['one', 'two']);
  });

  it('leave the rest for the next turn when the time is up', () => {
    const destinations = new Destinations();
    let pumped = 0;
    for (let i = 0; i < 20; i++) destinations.call({ pump: () => void (pumped += 1) });
    expect(destinations.pump(0)).toBe(false);
    expect(pumped).toBeGreaterThan(0);
    expect(pumped).toBeLessThan(20);
    expect(destinations.pump(Infinity)).toBe(true);
    expect(pumped).toBe(20);
  });

  it('are found by the host that they wait for, until they are deleted', () => {
    const destinations = new Destinations();
    const [one, other] = [destination(1), destination(2)];
    for (const each of [one, other]) {
      destinations.add(each);
      destinations.blocked(each);
    }
    destinations.delete(other);
    const hostOf = ({ hosts }: Destination): string => hosts.keys[0]!;
    expect(keysOf(destinations.takeWaitingFor(hostOf(other)))).toEqual([]);
    expect(keysOf(destinations.takeWaitingFor(hostOf(one)))).toEqual(['d1.example']);
  });
});
