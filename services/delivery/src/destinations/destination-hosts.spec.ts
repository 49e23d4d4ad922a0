import { type DestinationKey, HostStates } from '@mailyard/delivery-rules';
import { describe, expect, it } from 'vitest';
import { DestinationHosts } from './destination-hosts.ts';
import type { HostFailure } from '../connections/opening.ts';

const FAILURE: HostFailure = { reply: { code: 421, text: 'not now' }, stage: 'connect', host: 'mx.example' };
const host = (number: number) => ({ name: `mx${number}.example`, address: `192.0.2.${number}`, port: 25 });

describe('the hosts of a destination', () => {
  it('are waited for until there is an answer', () => {
    const hosts = new DestinationHosts('example.com' as DestinationKey, undefined, new HostStates());
    expect(hosts.unblock()).toBe(false);
    expect(hosts.block(1_000, FAILURE)).toBe(FAILURE);
    expect([hosts.isBlocked(999), hosts.isBlocked(1_000)]).toEqual([true, false]);
    // Whoever knows no reason gives the last one.
    expect(hosts.block(2_000, undefined)).toBe(FAILURE);
    expect([hosts.unblock(), hosts.isBlocked(0), hosts.blockedUntil]).toEqual([true, false, 0]);
    hosts.connected();
    expect(hosts.block(3_000, undefined)).not.toBe(FAILURE);
  });

  it('know whether one is left that is not down (R57)', () => {
    const states = new HostStates();
    const hosts = new DestinationHosts('example.com' as DestinationKey, undefined, states);
    hosts.planned = [host(1), host(2)];
    const [first, second] = hosts.keys;
    expect(hosts.hasOther([first!], 0)).toBe(true);
    states.failed(second!, FAILURE.reply, 0);
    expect(hosts.hasOther([first!], 1)).toBe(false);
    hosts.forget();
    expect(hosts.hasOther([first!], 1)).toBe(true);
  });

  it('are barred for what is demanded of TLS and for nothing else, also when the destination is made anew (R144)', () => {
    const states = new HostStates();
    const made = (tls: 'required' | 'preferred', key = 'example.com'): DestinationHosts => {
      const hosts = new DestinationHosts(key as DestinationKey, undefined, states);
      hosts.planned = [host(1)];
      hosts.demandTls({ tls, dane: 'none', mtaSts: 'none' });
      return hosts;
    };
    const strict = made('required');
    states.failed(strict.tlsState(host(1)), FAILURE.reply, 0);
    const again = made('required');
    expect([strict, again].map((hosts) => hosts.hasOther([], 1))).toEqual([false, false]);
    expect(again.healthOf(host(1))).toMatchObject({ state: 'down' });
    for (const other of [made('preferred'), made('required', 'other.example')]) {
      expect(other.hasOther([], 1)).toBe(true);
      expect(other.healthOf(host(1)).state).toBe('unknown');
    }
    again.demandTls({ tls: 'preferred', dane: 'none', mtaSts: 'none' });
    again.demandTls({ tls: 'required', dane: 'none', mtaSts: 'none' });
    expect(again.hasOther([], 1)).toBe(true);
  });

  it('are asked of the DNS less often each time that it does not say (R76)', () => {
    const hosts = new DestinationHosts('example.com' as DestinationKey, undefined, new HostStates());
    const first = hosts.dnsFailed(FAILURE, 0);
    expect(first).toBeGreaterThan(0);
    const wait = hosts.dnsFailed(FAILURE, first) - first;
    expect(wait).toBeGreaterThanOrEqual(first);
    hosts.block(first + wait, FAILURE);
    hosts.unblock();
    expect(hosts.dnsFailed(FAILURE, 0)).toBe(first);
  });
});
