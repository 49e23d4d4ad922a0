import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMxOf, type MtaStsPolicy, planMtaSts, readMtaStsPolicy, readMtaStsRecord } from './mta-sts.ts';

describe('TXT records of MTA-STS (R144, RFC 8461 §3.1)', () => {
  it.each([
    ['v=STSv1; id=20160831085700Z;', '20160831085700Z'],
    ['v=STSv1; id=20160831085700Z', '20160831085700Z'],
    ['v=STSv1;id=a', 'a'],
    ['v=STSv1 \t; \t id=a \t;', 'a'],
    ['v=STSv1; later=1; id=a; other.word=x', 'a'],
    ['v=STSv1; id=first; id=second', 'first'],
    [`v=STSv1; id=${'x'.repeat(32)}`, 'x'.repeat(32)],
  ])('%s', (text, id) => {
    expect(readMtaStsRecord([text])).toEqual({ id });
    expect(readMtaStsRecord(['v=spf1 -all', text, 'V=STSv1; id=b', 'v=STSv1', 'v=STSv10; id=c'])).toEqual({ id });
  });

  it.each([
    [[], /none of its TXT records/],
    [['v=spf1 -all', 'v=stsv1; id=a', ' v=STSv1; id=a', 'v=STSv1'], /none of its TXT records/],
    [['v=STSv1; id=a', 'v=STSv1; id=a'], /more than one/],
    [['v=STSv1;'], /no id/],
    [['v=STSv1; id=a-b'], /no id/],
    [[`v=STSv1; id=${'x'.repeat(33)}`], /no id/],
    [['v=STSv1; ID=a'], /no id/],
    [['v=STSv1; id='], /malformed/],
    [['v=STSv1; id=a; word'], /malformed/],
    [['v=STSv1; id=a; ; word=1'], /malformed/],
    [['v=STSv1; id=a b'], /malformed/],
  ])('%j are of no use', (texts, problem) => {
    expect(readMtaStsRecord(texts)).toEqual({ problem: expect.stringMatching(problem) });
  });
});

describe('policies of MTA-STS (R144, RFC 8461 §3.2)', () => {
  it('are read as in the example of the RFC, whatever ends the lines', () => {
    const lines = [
      'version: STSv1',
      'mode: enforce',
      'mx: mail.example.com',
      'mx: *.example.net',
      'mx: backupmx.example.com',
      'max_age: 604800',
    ];
    const mx = ['mail.example.com', '*.example.net', 'backupmx.example.com'];
    const policy = { mode: 'enforce', mx, maxAgeSeconds: 604_800 };
    for (const end of ['\r\n', '\n']) {
      expect(readMtaStsPolicy(lines.join(end))).toEqual(policy);
      expect(readMtaStsPolicy(lines.map((line) => `${line} \t${end}`).join(''))).toEqual(policy);
    }
    expect(readMtaStsPolicy(lines.toReversed().join('\r\n'))).toEqual({ ...policy, mx: mx.toReversed() });
  });

  const text = (change: Readonly<Record<string, string | undefined>> = {}, ...more: string[]): string =>
    [
      ...Object.entries({ version: 'STSv1', mode: 'testing', mx: 'mx.example.com', max_age: '1', ...change }).flatMap(
        ([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]),
      ),
      ...more,
    ].join('\n');
  const policy = { mode: 'testing', mx: ['mx.example.com'], maxAgeSeconds: 1 };

  it.each([
    ['unknown fields', text({}, 'x_y: some thing: or other', 'report:'), policy],
    ['the same field again', text({}, 'mode: enforce', 'max_age: 9', 'version: STSv2'), policy],
    ['the same host again', text({}, 'mx: MX.example.com'), policy],
    [
      'a host in capitals and U-labels',
      text({ mx: 'MX.BÜCHER.example' }),
      { ...policy, mx: ['mx.xn--bcher-kva.example'] },
    ],
    ['no host where the mode is none', text({ mode: 'none', mx: undefined }), { ...policy, mode: 'none', mx: [] }],
    ['more than a year', text({ max_age: '9999999999' }), { ...policy, maxAgeSeconds: 31_557_600 }],
    ['no time at all', text({ max_age: '0' }), { ...policy, maxAgeSeconds: 0 }],
    ['blank lines', `\n${text({ mx: undefined }, '', 'mx:mx.example.com', ' ')}\n\n`, policy],
  ])('may have %s', (_what, given, read) => {
    expect(readMtaStsPolicy(given)).toEqual(read);
  });

  it.each([
    ['version', text({ version: undefined })],
    ['version', text({ version: 'STSv2' })],
    ['version', text({ version: 'stsv1' })],
    ['mode', text({ mode: undefined })],
    ['mode', text({ mode: 'Enforce' })],
    ['max_age', text({ max_age: undefined })],
    ['max_age', text({ max_age: '-1' })],
    ['max_age', text({ max_age: '1e3' })],
    ['max_age', text({ max_age: '12345678901' })],
    ['names no mx', text({ mx: undefined })],
    ['no host name', text({ mx: '*' })],
    ['no host name', text({ mx: '*.' })],
    ['no host name', text({ mx: '*.*.example.com' })],
    ['no host name', text({ mx: 'mx*.example.com' })],
    ['no host name', text({ mx: 'mx.example.com, mx2.example.com' })],
    ['no field', text({}, '<html>')],
    ['no field', text({}, 'mode')],
    ['version', ''],
  ])('are invalid: %s', (problem, given) => {
    expect(readMtaStsPolicy(given)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it('take no longer to read for the blanks that a stranger fills them with', () => {
    // Where each blank was looked at as the first of the last ones, these took ten minutes, and 64 KiB a day.
    const blanks = ' '.repeat(12_000);
    expect(readMtaStsPolicy(`a:${blanks}\rb`)).toEqual({ problem: 'a line of it is no field' });
    const mx = `mx:${blanks}mx.example.com${blanks}`;
    expect(readMtaStsPolicy(text({ mx: undefined }, `a: b${blanks}c`, mx))).toEqual(policy);
    expect(readMtaStsRecord([`v=STSv1;${blanks}id=a${blanks};${blanks}`])).toEqual({ id: 'a' });
    expect(readMtaStsRecord([`v=STSv1; id=a${blanks}b`])).toEqual({ problem: 'its TXT record is malformed' });
  });

  it('never throw, and what is read of them is in order', () => {
    const piece = fc.constantFrom(
      'version: STSv1',
      'mode: none',
      'mode: enforce',
      'mx: *.a',
      'max_age: 7',
      ':',
      '\r',
      'é',
    );
    const given = fc.oneof(
      fc.string(),
      fc.array(fc.oneof(piece, fc.string()), { maxLength: 9 }).map((all) => all.join('\n')),
    );
    fc.assert(
      fc.property(given, (one) => {
        const read = readMtaStsPolicy(one);
        if ('problem' in read) return;
        expect(read.mode === 'none' || read.mx.length > 0).toBe(true);
        expect(read.maxAgeSeconds).toBeLessThanOrEqual(31_557_600);
      }),
    );
  });
});

describe('the hosts that a policy names (R144, RFC 8461 §4.1)', () => {
  it.each([
    ['*.example.com', 'mail.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'foo.bar.example.com', false],
    ['*.example.com', 'mail.notexample.com', false],
    ['*.com', 'example.com', true],
    ['mail.example.com', 'mail.example.com', true],
    ['mail.example.com', 'a.mail.example.com', false],
    ['mail.example.com', 'mail.example.co', false],
    ['*.example.com', '.example.com', false],
    ['mail', 'mail', true],
  ])('%s and %s: %s', (pattern, host, isIt) => {
    expect(isMxOf({ mx: ['else.test', pattern] }, host)).toBe(isIt);
  });

  it('are those that comparing label by label finds', () => {
    const label = fc.constantFrom('a', 'b', 'mx', '*');
    const name = fc.array(label, { minLength: 1, maxLength: 4 });
    const naive = (pattern: readonly string[], host: readonly string[]): boolean =>
      pattern.length === host.length && pattern.every((one, i) => one === host[i] || (i === 0 && one === '*'));
    const isPattern = (labels: readonly string[]): boolean => labels.length > 1 || labels[0] !== '*';
    const patterns = fc.array(
      name.map((labels) => labels.map((one, i) => (i > 0 && one === '*' ? 'a' : one))).filter(isPattern),
      { maxLength: 3 },
    );
    const host = name.map((labels) => labels.map((one) => (one === '*' ? 'c' : one)));
    fc.assert(
      fc.property(patterns, host, (all, labels) => {
        const mx = all.map((pattern) => pattern.join('.'));
        expect(isMxOf({ mx }, labels.join('.'))).toBe(all.some((pattern) => naive(pattern, labels)));
      }),
    );
  });
});

describe('what a policy asks of a session (R144, RFC 8461 §4, §5)', () => {
  const policyOf = (mode: MtaStsPolicy['mode']): MtaStsPolicy => ({ mode, mx: ['mx.example.com'], maxAgeSeconds: 9 });
  const right = { host: 'mx.example.com', tls: 'none', isDane: false, isMxVouched: false } as const;
  const wrong = { ...right, host: 'mx.evil.test' } as const;
  const reason = 'mx.evil.test is none of its hosts (mx.example.com)';

  it.each([
    ['none', 'required'],
    ['preferred', 'required'],
    ['preferredVerify', 'required'],
    ['required', 'required'],
    ['requiredVerify', 'requiredVerify'],
  ] as const)('enforce over %s: %s, a certificate that holds, and no other host', (tls, asked) => {
    const policy = policyOf('enforce');
    const plan = { kind: 'session', tls: asked, mtaSts: 'enforce' };
    expect(planMtaSts({ use: 'enforce', policy, ...right, tls })).toEqual(plan);
    expect(planMtaSts({ use: 'enforce', policy, ...wrong, tls })).toEqual({ kind: 'refused', reason });
  });

  it.each([
    ['enforce', 'testing'],
    ['testing', 'testing'],
    ['testing', 'enforce'],
  ] as const)('where delivery is to %s and the policy to %s, faults are told and mail goes', (use, mode) => {
    const policy = policyOf(mode);
    for (const [tls, asked] of [
      ['none', 'preferred'],
      ['preferred', 'preferred'],
      ['required', 'required'],
    ] as const) {
      const plan = { kind: 'session', tls: asked, mtaSts: 'testing' };
      expect(planMtaSts({ use, policy, ...right, tls })).toEqual(plan);
      expect(planMtaSts({ use, policy, ...wrong, tls })).toEqual({ ...plan, fault: reason });
    }
  });

  it('nothing where the policy is none', () => {
    for (const tls of ['none', 'preferred', 'requiredVerify'] as const)
      expect(planMtaSts({ use: 'enforce', policy: policyOf('none'), ...wrong, tls })).toEqual({ kind: 'session', tls });
  });

  it('nothing of a host that TLSA records verify and DNSSEC names (§2); one that anybody may have named must be in it', () => {
    const dane = { isDane: true, tls: 'required' } as const;
    const alone = { kind: 'session', tls: 'required' };
    for (const mode of ['enforce', 'testing'] as const) {
      const policy = policyOf(mode);
      expect(planMtaSts({ use: 'enforce', policy, ...right, ...dane })).toEqual(alone);
      expect(planMtaSts({ use: 'enforce', policy, ...wrong, ...dane, isMxVouched: true })).toEqual(alone);
    }
    const refused = planMtaSts({ use: 'enforce', policy: policyOf('enforce'), ...wrong, ...dane });
    expect(refused).toEqual({ kind: 'refused', reason });
    const told = planMtaSts({ use: 'enforce', policy: policyOf('testing'), ...wrong, ...dane });
    expect(told).toEqual({ ...alone, fault: reason });
    // DNSSEC alone verifies no certificate.
    const bare = planMtaSts({ use: 'enforce', policy: policyOf('enforce'), ...wrong, isMxVouched: true });
    expect(bare).toEqual({ kind: 'refused', reason });
  });

  it('tells a few of many hosts', () => {
    const mx = Array.from({ length: 9 }, (_, i) => `mx${i}.example.com`);
    const plan = planMtaSts({ use: 'enforce', policy: { ...policyOf('enforce'), mx }, ...wrong });
    expect(plan).toMatchObject({
      reason: expect.stringMatching(/\(mx0\.example\.com, .*mx4\.example\.com, 4 more\)$/),
    });
  });
});
