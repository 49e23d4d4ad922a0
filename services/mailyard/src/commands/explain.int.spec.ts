import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServedRouting, serveRouting } from './served-routing.suite.ts';

const CONFIGURATION = `
routes: {example.com: "127.0.0.1:2526", ALL: "192.0.2.99"}
rat: [example.com]
hat:
  - {group: OFFICE, sources: [10.0.0.0/8], policy: $RELAYED}
  - {source: .spam.example, action: REJECT}
  - {group: SLOW, sources: [192.0.2.0/24], policy: $THROTTLED}
domainMap: {"@old.example": "@example.com"}
aliases: {staff@example.com: [boss, bob@elsewhere.test], void@example.com: /dev/null}
policies:
  - {name: bosses, recipient: {members: [boss@example.com]}, actions: {subjectTag: "[vip]"}}
`;

let served: ServedRouting;
beforeEach(async () => {
  served = await serveRouting();
  await writeFile(join(served.folder, 'configuration.yaml'), CONFIGURATION);
  expect(await served.run(['apply', '-f', 'configuration.yaml', 'yes'])).toMatchObject({ status: 0 });
});
afterEach(() => served.stop());

const mailyard = (...words: string[]) => served.run(['explain', ...words]);
const said = async (...words: string[]) => (await mailyard(...words)).stdout;

describe('mailyard explain', () => {
  it('tells who is taken, which copies there are and where they go (R91, R120, R131)', async () => {
    const text = await said('--client', '192.0.2.7', 'you@example.com', 'boss@example.com', 'bob@elsewhere.test');
    expect(text).toMatch(/client +192\.0\.2\.7: ACCEPT, row 192\.0\.2\.0\/24 of SLOW, policy \$THROTTLED\n/);
    expect(text).toMatch(/limit +maxRecipientsPerHour 20\n/);
    expect(text).toContain('you@example.com is taken by the entry example.com, under the policy DEFAULT\n');
    expect(text).toContain('boss@example.com is taken by the entry example.com, under the policy bosses\n');
    expect(text).toContain('bob@elsewhere.test is refused: 550 5.7.1 ');
    expect(text).toContain('\nboss@example.com goes to 127.0.0.1:2526\n');
    expect(text).not.toContain('bob@elsewhere.test goes to');
  });

  it('tells of clients that relay and that are refused, by address, name or authentication (R123, R124, R129)', async () => {
    expect(await said('--client', '10.2.3.4', 'bob@elsewhere.test')).toContain(
      '\nbob@elsewhere.test goes to 192.0.2.99',
    );
    expect(await mailyard('--client', '198.51.100.1', 'bob@elsewhere.test')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/--name HOST/),
    });
    const named = ['--client', '198.51.100.1', '--name', 'a.spam.example', 'you@example.com'];
    expect(await said(...named)).toContain('you@example.com is refused with its client (REJECT)\n');
    expect(await said(...named, '--authenticated')).toContain('you@example.com is taken, under the policy DEFAULT\n');
    expect(JSON.parse(await said(...named, '--json'))).toMatchObject({
      client: { action: 'REJECT', source: '.spam.example', relays: false },
      recipients: [{ recipient: 'you@example.com', action: 'REJECT' }],
      copies: [],
    });
  });

  it('tells what recipients become, and where that goes (R136)', async () => {
    const recipients = ['staff@old.example', 'void@example.com', 'x@example.com'];
    const text = await said('--client', '192.0.2.7', '--from', '<>', ...recipients);
    expect(text).toContain(
      'staff@old.example is taken by the entry example.com, becomes boss@example.com, bob@elsewhere.test ' +
        '(domain map @old.example, alias staff@example.com), under the policy bosses, DEFAULT\n',
    );
    expect(text).toContain('becomes void@example.com (dropped) (alias void@example.com), under the policy DEFAULT\n');
    expect(text).toContain('\nboss@example.com goes to 127.0.0.1:2526\n');
    expect(text).toContain('\nbob@elsewhere.test goes to 192.0.2.99');
    expect(text).not.toMatch(/^(?:staff|void)\S+ goes to/m);
    const json = JSON.parse(await said('--client', '192.0.2.7', 'staff@old.example', '--json')) as object;
    expect(json).toMatchObject({
      recipients: [{ rewriting: { recipients: ['boss@example.com', 'bob@elsewhere.test'] }, routes: [{}, {}] }],
    });
  });

  it('finds the policies of an address (R117)', async () => {
    expect(JSON.parse(await said('--policies', 'boss@example.com', '--json'))).toMatchObject({
      policies: [
        { direction: 'incoming', asSender: ['bosses', 'DEFAULT'], asRecipient: ['bosses', 'DEFAULT'] },
        { direction: 'outgoing', asSender: ['DEFAULT'], asRecipient: ['DEFAULT'] },
      ],
    });
    expect(await said('--policies', 'you@example.com')).toMatch(/incoming, +to it +DEFAULT\n/);
  });

  it('says when the listener that is asked for has no rows', async () => {
    const asked = await mailyard('--client', '192.0.2.7', '--listener', 'insid', 'you@example.com');
    expect(asked).toMatchObject({ status: 0, stderr: expect.stringContaining('there is no row for listener insid') });
  });

  it.each([
    ['no recipient', ['--client', '192.0.2.7']],
    ['no client', ['you@example.com']],
    ['a client that is no address', ['--client', 'mx.example.com', 'you@example.com']],
    ['a recipient that is no address', ['--client', '192.0.2.7', 'you']],
    ['a name that is none', ['--client', '192.0.2.7', '--name', '-', 'you@example.com']],
  ])('is misused with %s', async (_, words) => {
    expect(await mailyard(...words)).toMatchObject({ status: 64, stdout: '' });
  });
});
