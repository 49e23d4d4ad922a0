import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ServedRouting, serveRouting } from './served-routing.suite.ts';

let served: ServedRouting;
beforeEach(async () => {
  served = await serveRouting();
});
afterEach(() => served.stop());

const mailyard = (...words: string[]) => served.run(words);
const said = async (...words: string[]) => (await mailyard(...words)).stdout;

const EXPORTED = `# of another gateway
$THROTTLED
    ACCEPT {
        max_rcpts_per_hour = 20
        spam_check = "on"
    }
RELAYLIST:
    10.1.
    .branch.example (the branch)
    $RELAYED (those that may relay)
SUSPECTLIST:
    sbrs[-3.0:-1.0]
    192.0.2.0/24
    $THROTTLED
ALL
    $ACCEPTED
`;

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(served.folder, name), content);
  return name;
}

describe('mailyard hat', () => {
  it('imports, prints and exports the text of AsyncOS, and tells what is kept and not acted upon (R130)', async () => {
    await file('hat.txt', EXPORTED);
    expect(await mailyard('hat', 'print')).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringMatching(/none may relay/),
    });
    expect(await mailyard('hat', 'import', 'hat.txt')).toMatchObject({ status: 64 });
    const dry = await mailyard('hat', 'import', 'hat.txt', '--dry-run');
    expect(dry).toMatchObject({
      status: 0,
      stdout:
        '+ hat RELAYLIST  10.1., .branch.example $RELAYED (those that may relay)\n' +
        '+ hat SUSPECTLIST  sbrs[-3.0:-1.0], 192.0.2.0/24 $THROTTLED\n' +
        '+ hat ALL  ALL $ACCEPTED\n' +
        '+ mailFlowPolicies $THROTTLED  ACCEPT max_rcpts_per_hour "20", spam_check "on"\n',
    });
    expect(dry.stderr).toMatch(/match nobody.*: sbrs\[-3\.0:-1\.0\]/);
    expect(dry.stderr).toMatch(/nothing goes by.*: spam_check/);
    expect(await mailyard('hat', 'import', 'hat.txt', 'yes', '--reason', 'as it was')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/committed as version 2/),
    });
    expect(await mailyard('hat', 'import', 'hat.txt', 'yes')).toMatchObject({
      stderr: expect.stringMatching(/nothing to change/),
    });
    await mailyard('hat', 'export', 'out.txt');
    const written = await readFile(join(served.folder, 'out.txt'), 'utf8');
    expect(written).toMatch(/^# mailyard hat export: .*version 2/);
    expect(await mailyard('hat', 'import', 'out.txt', 'yes')).toMatchObject({
      stderr: expect.stringMatching(/nothing to change/),
    });
    expect(await said('hat', 'print')).toBe(written.replace(/^.*\n/, '# each listener without a table of its own\n'));
    expect(await said('history', '2')).toMatch(/replace all hat by 3\n/);
  });

  it('replaces the table of one listener and leaves the others (R130)', async () => {
    await file('hat.txt', EXPORTED);
    await mailyard('hat', 'import', 'hat.txt', 'yes');
    await file('inside.txt', '10.0.0.0/8 RELAY\nALL REJECT\n');
    await mailyard('hat', 'import', 'inside.txt', 'yes', '--listener', 'inside');
    expect(await said('hat', 'print', '--listener', 'inside')).toBe(
      '# listener inside\n10.0.0.0/8\n    RELAY\nALL\n    REJECT\n',
    );
    expect(await said('hat', 'test', '192.0.2.1', '--listener', 'inside')).toBe('REJECT SG None match ALL\n');
    expect(await said('hat', 'test', '10.1.2.3')).toBe('RELAY SG RELAYLIST match 10.1. policy $RELAYED\n');
    expect(await said('hat', 'test', '192.0.2.1')).toBe(
      'ACCEPT SG SUSPECTLIST match 192.0.2.0/24 policy $THROTTLED\n  maxRecipientsPerHour 20\n',
    );
    expect(await mailyard('hat', 'test', '198.51.100.1')).toMatchObject({
      stdout: expect.stringMatching(/^ACCEPT SG None match ALL policy \$ACCEPTED\n/),
      stderr: expect.stringMatching(/--name HOST/),
    });
    expect(await said('hat', 'test', '198.51.100.1', '--name', 'mx.branch.example')).toMatch(
      /^RELAY SG RELAYLIST match \.branch\.example/,
    );
    expect(await mailyard('hat', 'test', 'mx.branch.example')).toMatchObject({ status: 64 });
  });

  it('says when the listener that is asked for has no rows, and which options a verb does not take', async () => {
    for (const words of [['test', '10.1.2.3'], ['print'], ['export', '-']])
      expect((await mailyard('hat', ...words, '--listener', 'insid')).stderr, words.join(' ')).toContain(
        'there is no row for listener insid',
      );
    expect(await mailyard('hat', 'print', '--dry-run')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('print takes no --dry-run'),
    });
  });

  it('imports nothing of a file with faults, and tells each with its line (R130)', async () => {
    await file('bad.txt', 'G:\n  10.1.2.3/8\n  $NOWHERE\nALL RELAY\nx.test\n');
    const { status, stderr } = await mailyard('hat', 'import', 'bad.txt', 'yes');
    expect(status).toBe(1);
    expect(stderr).toMatch(/line 2: HAT_SOURCE_INVALID: "10\.1\.2\.3\/8"/);
    expect(stderr).toMatch(/line 3: HAT_POLICY_UNKNOWN: "\$NOWHERE"/);
    expect(stderr).toMatch(/line 4: HAT_OPEN_RELAY: "ALL"/);
    expect(stderr).toMatch(/line 5: HAT_SYNTAX: "x\.test"/);
    expect(stderr).toMatch(/nothing was imported: 4 faults/);
    expect(served.routing.administration.state.version).toBe(1);
  });

  it('is a section of the file that apply takes, beside its policies and the outgoing mail policies', async () => {
    const content = `
mailFlowPolicies:
  - {name: $OFFICE, action: RELAY, parameters: {max_rcpts_per_hour: 500}}
hat:
  - {group: RELAYLIST, sources: [10.0.0.0/8, {source: "2001:db8::/32", comment: home}], policy: $OFFICE, comment: ours}
  - {source: .spam.example, action: REJECT, parameters: {smtp_banner_code: 521}}
  - {listener: inside, source: ALL, action: REJECT}
outgoingPolicies:
  - {name: stamped, actions: {addHeaders: [{name: X-Out, value: "1"}]}}
rat: [{recipient: abuse@, bypassReceivingControl: true}]
`;
    await file('mailyard.yaml', content);
    expect(await mailyard('apply', '-f', 'mailyard.yaml', 'yes')).toMatchObject({ status: 0 });
    const { sections } = served.routing.administration.state;
    expect([...sections.hat.keys()]).toEqual(['RELAYLIST', '.spam.example', 'inside ALL']);
    expect(sections.rat.get('abuse@')?.item.bypassReceivingControl).toBe(true);
    await file('again.yaml', await said('apply', '--show'));
    expect(await mailyard('apply', '-f', 'again.yaml', 'yes')).toMatchObject({
      stderr: expect.stringMatching(/nothing to change/),
    });
    await file('numbers.yaml', 'hat: [{source: 10.10, action: REJECT}]');
    expect(await mailyard('apply', '-f', 'numbers.yaml', 'yes')).toMatchObject({ status: 1 });
    expect(await mailyard('rollback', '1', 'yes')).toMatchObject({ status: 0 });
    expect(served.routing.administration.state.sections.hat.size).toBe(0);
  });
});
