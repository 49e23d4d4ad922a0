import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HostAccessFile, printHatFile, readHatFile } from './hat-file.ts';
import { HostAccessTable, type HostAccessRow } from './host-access-table.ts';
import type { MailFlowPolicy } from './mail-flow-policy.ts';

const EXPORTED = `# File exported by the CLI at 20260131T120000
$BLOCKED
    REJECT {}
$THROTTLED
    ACCEPT {
        max_msgs_per_session = 10
        max_message_size = "1M"
        spam_check = "on"
        smtp_banner_text = "say \\"hello\\", {friend} = #1"
    }
WHITELIST:
        10.1.2.3 (the branch (old)), 10.2.
        $TRUSTED (My trusted senders have no anti-spam scanning or rate limiting)
BLACKLIST:
        SBRS[-10.0:-3.0]
        $BLOCKED (Spammers are rejected)
spamdomain.com
        REJECT
.spamdomain.com REJECT
251.192.1.
        TCPREFUSE
fe80::
        RELAY { tls = required }
ALL
        $ACCEPTED
`;

function read(text: string): HostAccessFile {
  const answer = readHatFile(text, 'public');
  if (answer.kind === 'faults') throw new Error(JSON.stringify(answer.faults));
  return answer.hat;
}

function faults(text: string): string[] {
  const answer = readHatFile(text, '');
  return answer.kind === 'read' ? [] : answer.faults.map(({ line, code, token }) => `${line} ${code} ${token}`);
}

describe('the text of a host access table', () => {
  it('reads what AsyncOS exports (R130)', () => {
    const { rows, policies } = read(EXPORTED);
    expect(policies).toEqual([
      { listener: 'public', name: 'BLOCKED', action: 'REJECT', parameters: {} },
      {
        listener: 'public',
        name: 'THROTTLED',
        action: 'ACCEPT',
        parameters: {
          max_msgs_per_session: '10',
          max_message_size: '1M',
          spam_check: 'on',
          smtp_banner_text: 'say "hello", {friend} = #1',
        },
      },
    ]);
    expect(rows.slice(0, 3)).toEqual([
      {
        listener: 'public',
        group: 'WHITELIST',
        sources: [{ source: '10.1.2.3', comment: 'the branch (old)' }, { source: '10.2.' }],
        rule: { policy: 'TRUSTED' },
        comment: 'My trusted senders have no anti-spam scanning or rate limiting',
      },
      {
        listener: 'public',
        group: 'BLACKLIST',
        sources: [{ source: 'SBRS[-10.0:-3.0]' }],
        rule: { policy: 'BLOCKED' },
        comment: 'Spammers are rejected',
      },
      {
        listener: 'public',
        group: '',
        sources: [{ source: 'spamdomain.com' }],
        rule: { action: 'REJECT', parameters: {} },
      },
    ]);
    expect(rows.slice(3).map(({ sources: [first], rule }) => [first?.source, rule])).toEqual([
      ['.spamdomain.com', { action: 'REJECT', parameters: {} }],
      ['251.192.1.', { action: 'TCPREFUSE', parameters: {} }],
      ['fe80::', { action: 'RELAY', parameters: { tls: 'required' } }],
      ['ALL', { policy: 'ACCEPTED' }],
    ]);
  });

  it('reads figure 11-1 as it is printed (R122)', () => {
    const { rows } = read(
      'WHITELIST: $TRUSTED\nBLACKLIST: $BLOCKED\nSUSPECTLIST: $THROTTLED\nUNKNOWNLIST: $ACCEPTED\n' +
        'spamdomain.com REJECT\n.spamdomain.com REJECT\n251.192.1. TCPREFUSE\n169.254.10.10 RELAY\nALL: $ACCEPTED\n',
    );
    expect(rows.map(({ group, sources }) => group || sources[0]?.source)).toEqual([
      'WHITELIST',
      'BLACKLIST',
      'SUSPECTLIST',
      'UNKNOWNLIST',
      'spamdomain.com',
      '.spamdomain.com',
      '251.192.1.',
      '169.254.10.10',
      'ALL',
    ]);
  });

  it('prints what reads as the same (R130)', () => {
    const hat = read(EXPORTED);
    expect(read(printHatFile(hat))).toEqual(hat);
    expect(printHatFile(read(printHatFile(hat)))).toBe(printHatFile(hat));
  });

  it('tells every fault with its line (R130)', () => {
    expect(
      faults(
        [
          '$A ACCEPT { max_msgs_per_session = "0"', // 1
          '  tls = off', // 2
          '  tls = on }', // 3
          'GROUP:', // 4
          '  192.0.2.1', // 5
          '  192.0.2.999', // 6
          '  $NOWHERE', // 7
          'OTHER:', // 8
          '  10.0.0.1', // 9
          'THIRD:', // 10
          '  $A', // 11
          '= 5 REJECT', // 12
          '$B (a comment)', // 13
          'x.test REJECT { oops }', // 14
          'x.test REJECT', // 15
          'y.test REJECT (never closed', // 16
          'ALL RELAY', // 17
          'z.test', // 18
        ].join('\n'),
      ),
    ).toEqual([
      '1 FLOW_PARAMETER_INVALID 0',
      '3 HAT_SYNTAX tls',
      '6 HAT_SOURCE_INVALID 192.0.2.999',
      '7 HAT_POLICY_UNKNOWN $NOWHERE',
      '10 HAT_SYNTAX THIRD:',
      '12 HAT_SYNTAX =',
      '13 HAT_SYNTAX a comment',
      '14 HAT_SYNTAX oops',
      '15 HAT_SYNTAX x.test',
      '16 HAT_SYNTAX (never closed',
      '17 HAT_OPEN_RELAY ALL',
      '18 HAT_SYNTAX z.test',
    ]);
  });

  it('comes to an end on any text, and names a line of it in every fault', () => {
    const piece = fc.constantFrom(
      '$A',
      'G:',
      '10.1.',
      'ALL',
      'REJECT',
      '{',
      '}',
      '=',
      '(c)',
      '(',
      '"',
      '"v"',
      'tls',
      '\n',
      '#',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join(' ');
        const answer = readHatFile(text, '');
        if (answer.kind === 'faults')
          for (const { line } of answer.faults)
            expect(line).toSatisfy((one: number) => one >= 1 && one <= text.split('\n').length);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the identity after printing, for any table (R130)', () => {
    const name = fc.stringMatching(/^[A-Z_][A-Za-z0-9_-]{0,8}$/).filter((text) => !/^(all|none)$/i.test(text));
    const word = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,20}[\x21-\x7e])?$/);
    const comment = word
      .map((text) => text.replaceAll(/[()]/g, ''))
      .filter((text) => text.trim() === text && text !== '');
    const source = fc.constantFrom(
      '10.1.',
      '10.0.0.0/8',
      '192.0.2.1-9',
      'mail.x.test',
      '.x.test',
      '2001:db8::',
      'SBO:3',
      'fe80::/10',
    );
    const parameters = fc.record(
      {
        smtp_banner_text: word,
        tls: fc.constantFrom('on', 'off'),
        spam_check: word,
        max_concurrency: fc.constant('7'),
      },
      { requiredKeys: [] },
    );
    const action = fc.constantFrom('ACCEPT' as const, 'REJECT' as const, 'TCPREFUSE' as const, 'CONTINUE' as const);
    const policy = fc.record({ name, action, parameters }).map((each): MailFlowPolicy => ({ listener: '', ...each }));
    const sourced = fc.record({ source, comment }, { requiredKeys: ['source'] });
    const rule = fc.oneof(
      fc.constantFrom({ policy: 'TRUSTED' }, { policy: 'BLOCKED' }),
      fc.record({ action, parameters }),
    );
    const group = fc
      .record(
        { group: name, sources: fc.array(sourced, { maxLength: 4 }), rule, comment },
        { requiredKeys: ['group', 'sources', 'rule'] },
      )
      .map((each): HostAccessRow => ({ listener: '', ...each }));
    const single = fc
      .record({ sources: sourced.map((each) => [each]), rule, comment }, { requiredKeys: ['sources', 'rule'] })
      .map((each): HostAccessRow => ({ listener: '', group: '', ...each }));
    fc.assert(
      fc.property(
        fc.uniqueArray(policy, { maxLength: 3, selector: (each) => each.name }),
        fc.uniqueArray(fc.oneof(group, single), {
          maxLength: 6,
          selector: (each) => (each.group === '' ? each.sources[0]!.source : each.group),
        }),
        (policies, rows) => {
          expect(HostAccessTable.read(rows, policies)).toBeInstanceOf(HostAccessTable);
          expect(readHatFile(printHatFile({ rows, policies }), '')).toEqual({ kind: 'read', hat: { rows, policies } });
        },
      ),
      { numRuns: 1500 },
    );
  });
});
