import type { Domain } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { type DeliveryTerms, DeliveryTermsTable, expiryOf, isOtherSchedule } from './delivery-terms.ts';
import { DEFAULT_BOUNCE_PROFILE } from './retry-schedule.ts';

const BASE: DeliveryTerms = {
  maxConnections: 20,
  messagesPerConnection: 50,
  tls: 'none',
  dane: 'none',
  mtaSts: 'none',
  ipPreference: 'preferV6',
  bounce: DEFAULT_BOUNCE_PROFILE,
  hasOwnAge: false,
};
const ROWS = [
  { domain: 'DEFAULT', maxConnections: 9, tls: 'preferred', ipPreference: 'preferV4', bounceProfile: 'slow' },
  { domain: 'example.com', maxConnections: 2, ipPreference: 'requireV6' },
  { domain: '.example.com', maxRecipients: 30, windowMinutes: 5 },
  { domain: '.b.example.com', tls: 'required', bounceProfile: 'quick' },
] as const;
const PROFILES = [
  { name: 'slow', maxAgeSeconds: 600_000 },
  { name: 'quick', maxRetries: 2, initialWaitSeconds: 5, maxWaitSeconds: 7, notices: false },
];

const table = new DeliveryTermsTable(BASE, ROWS, PROFILES);
const of = (domain: string): DeliveryTerms => table.of(domain as Domain);

describe('the terms of delivery', () => {
  it('are those of the settings where there are no rows', () => {
    expect(new DeliveryTermsTable(BASE, [], PROFILES).of('example.com' as Domain)).toBe(BASE);
  });

  it.each([
    ['example.com', 'example.com'],
    ['a.example.com', '.example.com'],
    ['b.example.com', '.example.com'],
    ['a.b.example.com', '.b.example.com'],
    ['notexample.com', undefined],
    ['[192.0.2.1]', undefined],
  ])('of %s stand in the row %s (R146)', (domain, row) => {
    expect(of(domain).row).toBe(row);
  });

  it('are filled from DEFAULT, then from the settings (R140)', () => {
    expect(of('other.test')).toMatchObject({ maxConnections: 9, messagesPerConnection: 50, tls: 'preferred' });
    expect(of('example.com')).toMatchObject({ maxConnections: 2, tls: 'preferred', bounceProfile: 'slow' });
    expect(of('a.example.com')).toMatchObject({ maxConnections: 9, recipients: { most: 30, windowMs: 300_000 } });
    expect(of('example.com').recipients).toBeUndefined();
  });

  it('name the family of addresses that is preferred or required (R142)', () => {
    expect(of('other.test').ipPreference).toBe('preferV4');
    expect(of('example.com').ipPreference).toBe('requireV6');
    expect(of('a.b.example.com').ipPreference).toBe('preferV4');
    expect(new DeliveryTermsTable(BASE, [], []).of('example.com' as Domain).ipPreference).toBe('preferV6');
  });

  it('take from a bounce profile what it says, and the rest from the settings (R70)', () => {
    expect(of('a.b.example.com').bounce).toEqual({
      ...DEFAULT_BOUNCE_PROFILE,
      maxRetries: 2,
      initialWaitMs: 5_000,
      maxWaitMs: 7_000,
      notices: false,
    });
  });

  it('say when mail is too old only where a profile does (R73)', () => {
    expect(expiryOf(of('example.com'), 1_000, 5_000)).toBe(600_001_000);
    expect(expiryOf(of('a.b.example.com'), 1_000, 5_000)).toBe(5_000);
  });

  it('tell whether what waits is to be looked at again', () => {
    expect(isOtherSchedule(BASE, { ...BASE, maxConnections: 1 })).toBe(false);
    expect(isOtherSchedule(BASE, { ...BASE, tls: 'required' })).toBe(true);
    expect(isOtherSchedule(BASE, { ...BASE, ipPreference: 'requireV4' })).toBe(true);
    expect(isOtherSchedule(BASE, { ...BASE, bounce: { ...BASE.bounce, maxWaitMs: 1 } })).toBe(true);
  });
});
