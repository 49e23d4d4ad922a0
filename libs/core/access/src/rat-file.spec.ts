import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printRatFile, readRatFile } from './rat-file.ts';
import type { RecipientAccessEntry } from './recipient-access-table.ts';

describe('the text of a recipient access table (R135)', () => {
  it('is read with comments, replies and options, and the default as no entry (R131, R134)', () => {
    const text =
      '# File exported by the CLI at 20261124T000000\n\n.example.com ACCEPT\r\n' +
      'old.example REJECT 551 "moved to \\"new\\""\nabuse@ ACCEPT bypass_receiving_control\n' +
      '"a b"@example.com ACCEPT 250 "hello" bypass_receiving_control\nALL REJECT\n';
    expect(readRatFile(text)).toEqual({
      kind: 'read',
      rows: [
        { recipient: '.example.com', action: 'ACCEPT' },
        { recipient: 'old.example', action: 'REJECT', reply: { code: 551, text: 'moved to "new"' } },
        { recipient: 'abuse@', action: 'ACCEPT', bypassReceivingControl: true },
        {
          recipient: '"a b"@example.com',
          action: 'ACCEPT',
          reply: { code: 250, text: 'hello' },
          bypassReceivingControl: true,
        },
      ],
    });
  });

  it('keeps a default that says more than to refuse (R131)', () => {
    for (const last of ['ALL ACCEPT', 'ALL REJECT 450 "later"'])
      expect(readRatFile(`a.example ACCEPT\n${last}\n`)).toMatchObject({ rows: [{}, { recipient: 'ALL' }] });
    expect(printRatFile([{ recipient: 'a.example', action: 'ACCEPT' }])).toBe('a.example ACCEPT\nALL REJECT\n');
  });

  it('tells every fault with its line', () => {
    const text =
      'a.example ACCEPT\nb.example\nc.example RELAY\n*.example ACCEPT\nA.example REJECT\n' +
      'd.example REJECT 250 "fine"\ne.example REJECT moved\nf.example REJECT 550 moved\n';
    const read = readRatFile(text);
    expect(
      read.kind === 'faults' && read.faults.map(({ line, code, message }) => `${line} ${code} ${message}`),
    ).toEqual([
      '2 RAT_SYNTAX is no line of the form RECIPIENT ACTION',
      '3 RAT_SYNTAX has "RELAY" where ACCEPT or REJECT belongs',
      '4 RAT_RECIPIENT_INVALID is no address, domain, .domain, user@ or ALL',
      '5 RAT_DUPLICATE stands in line 1 already',
      '6 RAT_REPLY_INVALID is no reply of one line that fits the action',
      '7 RAT_SYNTAX has "moved" where a reply (551 "moved away") or bypass_receiving_control may stand',
      '8 RAT_SYNTAX is no line of the form RECIPIENT ACTION',
    ]);
  });

  it('reads as what was printed', () => {
    const recipient = fc.constantFrom('a@', 'a@x.test', '"a \\" b"@x.test', 'x.test', '.x.test', '[192.0.2.1]', 'ALL');
    const entry = fc.record<RecipientAccessEntry>(
      {
        recipient,
        action: fc.constant('REJECT'),
        reply: fc.record({ code: fc.integer({ min: 400, max: 599 }), text: fc.stringMatching(/^[ -~]{0,30}$/) }),
        bypassReceivingControl: fc.constant(true),
      },
      { requiredKeys: ['recipient', 'action'] },
    );
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: (each) => each.recipient }), (entries) => {
        // The default need not be said.
        const said = entries.filter((each, place) => place < entries.length - 1 || Object.keys(each).length > 2);
        const kept = entries.at(-1)?.recipient === 'ALL' ? said : entries;
        expect(readRatFile(printRatFile(entries))).toEqual({ kind: 'read', rows: kept });
      }),
    );
  });
});
