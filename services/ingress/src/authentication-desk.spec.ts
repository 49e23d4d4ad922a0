import {
  decoyKeys,
  keysOf,
  makeScramKeys,
  saltPassword,
  type ScramKeys,
  type SmtpAccount,
} from '@mailyard/credentials';
import { MtaError } from '@mailyard/mail';
import type { MailEvent } from '@mailyard/queue';
import type { Evidence, InjectionSession } from '@mailyard/smtp-receiver';
import { onMailEvent } from '@mailyard/telemetry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuthenticationDesk } from './authentication-desk.ts';

let ada: ScramKeys;
let nobody: ScramKeys;
let accounts: Map<string, ScramKeys>;
let looked: number;
let isUnreadable: boolean;
let now: number;
let waits: number[];
let desk: AuthenticationDesk;
const events: MailEvent[] = [];
const stop = onMailEvent((event) => void events.push(event));
afterAll(stop);

beforeAll(async () => {
  // Cheap ones: what is tried here is who is heard, not what it costs.
  const salt = Buffer.alloc(16, 1);
  ada = { salt, iterations: 4096, ...keysOf(await saltPassword('open sesame', salt, 4096)) };
  nobody = decoyKeys('nobody', salt, 4096);
});

beforeEach(() => {
  accounts = new Map([['ada', ada]]);
  isUnreadable = false;
  looked = 0;
  now = 0;
  waits = [];
  events.length = 0;
  desk = new AuthenticationDesk(
    {
      account(name): Promise<SmtpAccount> {
        looked += 1;
        if (isUnreadable) return Promise.reject(new MtaError('USERS_UNREADABLE', 'users.json: is no JSON'));
        const keys = accounts.get(name);
        return Promise.resolve({ isKnown: keys !== undefined, keys: keys ?? nobody });
      },
    },
    {
      now: () => now,
      wait: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    },
  );
});

function session(clientAddress = '192.0.2.1', gone = false): InjectionSession {
  return { icid: '7', clientAddress, gone } as InjectionSession;
}
const plain = (name: string, password: string): Evidence => ({ mechanism: 'PLAIN', name, password });
const right = plain('ada', 'open sesame');
const wrong = plain('ada', 'guess');
const codes = (replies: readonly { readonly code: number }[]): string => replies.map(({ code }) => code).join(' ');
async function inARow(times: number, evidence: Evidence, from = session()): Promise<string> {
  const replies = [];
  for (let time = 0; time < times; time++) replies.push(await desk.judge(from, evidence));
  return codes(replies);
}

describe('who authenticates', () => {
  it('is let in with the right password, told alike what is wrong otherwise, and after a wait', async () => {
    expect(await desk.judge(session(), right)).toMatchObject({ code: 235 });
    expect(waits).toEqual([]);
    const [one, two] = [await desk.judge(session(), wrong), await desk.judge(session(), plain('bob', 'open sesame'))];
    expect(one).toMatchObject({ code: 535, enhancedStatus: '5.7.8' });
    expect(two).toEqual(one);
    expect(waits).toEqual([1000, 1000]);
  });

  it('is not named where nobody is called so: it may be a password in the wrong place', async () => {
    await desk.judge(session(), wrong);
    await desk.judge(session(), plain('open sesame', 'ada'));
    expect(events).toEqual([
      { kind: 'injectionAuthentication', icid: '7', mechanism: 'PLAIN', result: 'failed', user: 'ada' },
      { kind: 'injectionAuthentication', icid: '7', mechanism: 'PLAIN', result: 'failed' },
    ]);
    expect(JSON.stringify(events)).not.toContain('sesame');
  });

  it('is heard in turn however many come at once, so that a crowd with the right password all come in', async () => {
    expect(codes(await Promise.all(Array.from({ length: 50 }, () => desk.judge(session(), right))))).toBe(
      Array.from({ length: 50 }, () => '235').join(' '),
    );
  });

  it('is refused unheard in a crowd too large', async () => {
    const crowd = Array.from({ length: 70 }, (_, number) => desk.judge(session(`192.0.2.${number}`), right));
    const heard = (await Promise.all(crowd)).map(({ code }) => code);
    expect(heard.filter((code) => code === 454)).toHaveLength(6);
  });

  it('is refused unheard after failures, though the password be right, until the time has passed', async () => {
    expect(await inARow(7, wrong)).toBe('535 535 535 535 535 454 454');
    expect(await inARow(1, right)).toBe('454');
    now += 2_001;
    expect(await inARow(1, right)).toBe('235');
  });

  it('cannot get more guesses by sending them together', async () => {
    const crowd = Array.from({ length: 40 }, () => desk.judge(session(), wrong));
    const heard = (await Promise.all(crowd)).map(({ code }) => code);
    expect(heard.filter((code) => code === 535)).toHaveLength(5);
  });

  it('is limited by address whatever the names, an IPv6 network being one', async () => {
    for (let number = 0; number < 10; number++)
      expect(await inARow(1, plain(`n${number}`, 'x'), session(`2001:db8::${number}:1`))).toBe('535');
    expect(await inARow(1, right, session('2001:db8::ffff:9'))).toBe('454');
    expect(await inARow(1, right, session('2001:db8:0:1::1'))).toBe('235');
  });

  it('is not kept out by what others do to the name, where it came from before', async () => {
    expect(await inARow(1, right, session('192.0.2.9'))).toBe('235');
    expect(await inARow(6, wrong, session('198.51.100.1'))).toBe('535 535 535 535 535 454');
    expect(await inARow(1, right, session('192.0.2.10'))).toBe('454');
    expect(await inARow(1, right, session('192.0.2.9'))).toBe('235');
  });

  it('cannot guess at a neighbour behind the same address by coming in under his own name between', async () => {
    accounts.set('eve', ada);
    expect(await inARow(1, right)).toBe('235');
    expect(await inARow(1, plain('eve', 'open sesame'))).toBe('235');
    for (let guess = 0; guess < 5; guess++) {
      expect(await inARow(1, wrong)).toBe('535');
      const mechanism = 'SCRAM-SHA-256';
      expect((await desk.judge(session(), { mechanism, name: 'eve', keys: ada, isProven: true })).code).toBe(235);
    }
    expect(await inARow(1, wrong)).toBe('454');
    now += 2_000;
    expect(await inARow(1, right)).toBe('235');
  });

  it('loses what was remembered with the password or the account', async () => {
    expect(await inARow(1, right)).toBe('235');
    accounts.set('ada', await makeScramKeys('another sesame'));
    expect(await inARow(1, right)).toBe('535');
    accounts.delete('ada');
    expect(await inARow(1, plain('ada', 'another sesame'))).toBe('535');
  });

  it('by SCRAM is counted as by PLAIN, and its keys must still be those of the name', async () => {
    const scram = (isProven: boolean): Evidence => ({ mechanism: 'SCRAM-SHA-256', name: 'ada', keys: ada, isProven });
    expect(await desk.scramKeys(session(), 'ada')).toBe(ada);
    expect(await desk.scramKeys(session(), 'bob')).toBe(nobody);
    expect(await inARow(1, scram(true))).toBe('235');
    expect(await inARow(6, scram(false), session('192.0.2.2'))).toBe('535 535 535 535 535 454');
    expect(await desk.scramKeys(session('192.0.2.2'), 'ada')).toMatchObject({ code: 454 });
    accounts.set('ada', nobody);
    expect(await inARow(1, scram(true))).toBe('535');
  });

  it('waits while the users cannot be read; nobody is blamed for it, and it is told once', async () => {
    isUnreadable = true;
    expect(await inARow(12, right)).toMatch(/^(454 ?){12}$/);
    expect(await desk.scramKeys(session(), 'ada')).toMatchObject({ code: 454 });
    expect(events.filter(({ kind }) => kind === 'alarm')).toEqual([
      { kind: 'alarm', name: 'smtp-users', detail: 'users.json: is no JSON' },
    ]);
    isUnreadable = false;
    expect(await inARow(1, right)).toBe('235');
    expect(looked).toBe(14);
  });
});
