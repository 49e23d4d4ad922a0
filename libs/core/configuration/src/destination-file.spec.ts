import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printDestinationFile, readDestinationFile } from './destination-file.ts';
import type { DestinationControl } from './sections.ts';

function rowsOf(text: string): readonly DestinationControl[] {
  const read = readDestinationFile(text);
  if (read.kind === 'faults') throw new Error(JSON.stringify(read.faults));
  return read.rows;
}

describe('the file form of destination controls (R143)', () => {
  it('is that of AsyncOS: a section a domain, one for all others', () => {
    const text = `# exported by destconfig
[DEFAULT]
ip_sort_pref = PREFER_V6
max_host_concurrency = 500
max_messages_per_connection = 50
recipient_minutes = 60
recipient_limit = 0
limit_type = host
limit_apply = VG
bounce_validation = 0
table_tls = off
send_tls_req_alert = 0
certificate = example.com

[Example.com]
max_host_concurrency = 10
limit_type = 0
limit_apply = system
table_tls = require_verify
bounce_validation = on
bounce_profile = slow

[.example.org]
recipient_minutes = 5
recipient_limit = 100
limit_type = host
limit_apply = 1
table_tls = 1
bounce_profile = Default
ip_sort_pref = REQUIRE_v4
`;
    expect(rowsOf(text)).toEqual([
      {
        domain: 'DEFAULT',
        ipPreference: 'preferV6',
        maxConnections: 500,
        maxMessagesPerConnection: 50,
        bounceVerification: false,
        tls: 'none',
      },
      {
        domain: 'example.com',
        maxConnections: 10,
        tls: 'requiredVerify',
        bounceVerification: true,
        bounceProfile: 'slow',
      },
      { domain: '.example.org', windowMinutes: 5, maxRecipients: 100, tls: 'preferred', ipPreference: 'requireV4' },
    ]);
  });

  it('tells every fault with its line, a limit for each address of the hosts among them (R141)', () => {
    const read = readDestinationFile(
      'table_tls = on\n[a.example]\nlimit_type = MXIP\nmax_host_concurrency = many\nunknown = 1\nno line\n[A.example]\ntable_tls = maybe\n',
    );
    expect(read.kind === 'faults' && read.faults.map(({ line, token }) => `${line} ${token}`)).toEqual([
      '1 table_tls = on',
      '3 MXIP',
      '4 many',
      '5 unknown = 1',
      '6 no line',
      '7 [A.example]',
      '8 maybe',
    ]);
  });

  it('is printed so that it reads the same', () => {
    const some = <T>(arbitrary: fc.Arbitrary<T>) => arbitrary;
    const control = fc.record(
      {
        domain: fc.constantFrom('DEFAULT', 'a.example', '.a.example', 'b.example'),
        maxConnections: fc.integer({ min: 1, max: 1_000 }),
        maxMessagesPerConnection: fc.integer({ min: 1, max: 1_000 }),
        maxRecipients: fc.integer({ min: 1, max: 1_000 }),
        tls: some(fc.constantFrom('none', 'preferred', 'preferredVerify', 'required', 'requiredVerify')),
        dane: some(fc.constantFrom('none', 'opportunistic', 'mandatory')),
        mtaSts: some(fc.constantFrom('none', 'testing', 'enforce')),
        bounceProfile: fc.stringMatching(/^[a-z]{1,6}$/).filter((name) => name !== 'default'),
        ipPreference: some(fc.constantFrom('preferV6', 'requireV6', 'preferV4', 'requireV4')),
        bounceVerification: fc.boolean(),
      },
      { requiredKeys: ['domain'] },
    ) as fc.Arbitrary<DestinationControl>;
    fc.assert(
      fc.property(
        fc.uniqueArray(control, { selector: ({ domain }) => domain }),
        fc.integer({ min: 1, max: 60 }),
        (rows, minutes) => {
          const written = rows.map((row) =>
            row.maxRecipients === undefined ? row : { ...row, windowMinutes: minutes },
          );
          expect(rowsOf(printDestinationFile(written))).toEqual(written);
        },
      ),
    );
  });
});
