import { reply } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { HostStates } from './host-health.ts';

const HOST = '192.0.2.1:25';
const REFUSED = reply(451, '4.4.1', 'connection refused');

describe('the state of a host', () => {
  it('is unknown before the first try, down after a failure, up after a good session (R75)', () => {
    const hosts = new HostStates();
    expect(hosts.of(HOST).state).toBe('unknown');
    expect(hosts.mayTry(HOST, 0)).toEqual({ kind: 'yes' });
    hosts.failed(HOST, REFUSED, 0);
    expect(hosts.of(HOST)).toMatchObject({ state: 'down', lastReply: REFUSED });
    expect(hosts.worked(HOST, 5)).toBe(true);
    expect(hosts.of(HOST).state).toBe('up');
    expect(hosts.worked(HOST, 6)).toBe(false);
  });

  it('waits 60 s, doubled up to an hour, between probes (R76)', () => {
    const hosts = new HostStates();
    const waits: number[] = [];
    for (let now = 0, i = 0; i < 9; i++) {
      hosts.failed(HOST, REFUSED, now);
      const { downUntil } = hosts.of(HOST);
      waits.push((downUntil - now) / 1_000);
      now = downUntil;
    }
    expect(waits).toEqual([60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  it('is probed by one connection (R76)', () => {
    const hosts = new HostStates();
    hosts.failed(HOST, REFUSED, 0);
    expect(hosts.mayTry(HOST, 59_999)).toEqual({ kind: 'no', until: 60_000 });
    expect(hosts.mayTry(HOST, 60_000)).toEqual({ kind: 'probe' });
    expect(hosts.mayTry(HOST, 60_000).kind).toBe('no');
    hosts.released(HOST);
    expect(hosts.mayTry(HOST, 60_001)).toEqual({ kind: 'probe' });
  });

  it('counts connections that fail together as one failure', () => {
    const hosts = new HostStates();
    expect(hosts.failed(HOST, REFUSED, 0)).toEqual({ state: 'down', downUntil: 60_000, failures: 1 });
    expect(hosts.failed(HOST, REFUSED, 10)).toBeUndefined();
    expect(hosts.of(HOST).downUntil).toBe(60_000);
  });

  it('believes what other workers found', () => {
    const hosts = new HostStates();
    expect(hosts.heard(HOST, { state: 'down', downUntil: 120_000, failures: 2 }, 0)).toBe(false);
    expect(hosts.mayTry(HOST, 60_000)).toEqual({ kind: 'no', until: 120_000 });
    expect(hosts.heard(HOST, { state: 'up', downUntil: 0, failures: 0 }, 70_000)).toBe(true);
    expect(hosts.mayTry(HOST, 70_000)).toEqual({ kind: 'yes' });
    expect(hosts.heard('192.0.2.9:25', { state: 'up', downUntil: 0, failures: 0 }, 0)).toBe(false);
  });

  it('gets no further connections while it says nothing to the first ones', () => {
    const hosts = new HostStates();
    hosts.began(HOST, 0);
    hosts.began(HOST, 500);
    expect(hosts.mayTry(HOST, 999).kind).toBe('yes');
    expect(hosts.mayTry(HOST, 1_000)).toEqual({ kind: 'no', until: 2_000 });
    hosts.ended(HOST);
    expect(hosts.mayTry(HOST, 1_000).kind).toBe('no');
    hosts.ended(HOST);
    expect(hosts.mayTry(HOST, 1_000).kind).toBe('yes');
  });

  it('forgets what nobody asks for', () => {
    const hosts = new HostStates();
    hosts.failed(HOST, REFUSED, 0);
    hosts.expire(86_400_001);
    expect(hosts.of(HOST).state).toBe('unknown');
  });
});
