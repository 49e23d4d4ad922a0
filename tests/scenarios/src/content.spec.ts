/** What goes in comes out: octet for octet, whatever the client and whatever the content. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { message } from './scenario.ts';

const run = promisify(execFile);

/** The content as the sink has it, without the Received field that we put in front (RFC 5321 §4.4). */
function withoutTrace(content: Buffer): Buffer {
  const text = content.toString('latin1');
  const end = /^Received: (?:[^\r]|\r\n[ \t])*\r\n/.exec(text)?.[0].length;
  if (end === undefined) throw new Error(`no Received field in front: ${text.slice(0, 200)}`);
  return content.subarray(end);
}

const sha = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex');

await inBothModes('content', (begin) => {
  it.each([
    ['a short text', 'Subject: x\r\n\r\nhello\r\n'],
    ['lines that begin with dots', 'Subject: x\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n'.replace('\r\n.\r\n', '\r\n. \r\n')],
    ['a line of 998 octets', `Subject: x\r\n\r\n${'a'.repeat(998)}\r\n`],
    ['no header at all', '\r\nonly text\r\n'],
    ['eight-bit octets', 'Subject: x\r\n\r\n\xc3\xa9\xff\xfe\r\n'],
    [
      '300 KiB, above what the log takes inline',
      `Subject: x\r\n\r\n${'0123456789abcdef'.repeat(4).concat('\r\n').repeat(4800)}`,
    ],
    ['5 MiB', `Subject: x\r\n\r\n${'0123456789abcdef'.repeat(4).concat('\r\n').repeat(80_000)}`],
  ])('arrives octet for octet: %s', async (_name, text) => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const raw = Buffer.from(text, 'latin1');
    await scenario.client(gateway).sendMail(message(['u@example.com'], '', { raw }));
    await sink.until(({ accepted }) => accepted === 1);
    expect(sha(withoutTrace(sink.messages[0]!.content))).toBe(sha(raw));
  });

  it('comes from swaks as it was given', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink();
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    const file = join(scenario.folder, 'mail');
    await writeFile(file, 'Subject: from swaks\n\n.leading dot\nlast line\n');
    await run('swaks', [
      '--server',
      `127.0.0.1:${gateway.smtpPort}`,
      '--from',
      's@origin.example',
      '--to',
      'u@example.com',
      '--data',
      `@${file}`,
    ]);
    await sink.until(({ accepted }) => accepted === 1);
    expect(withoutTrace(sink.messages[0]!.content).toString()).toMatch(
      /^Subject: from swaks\r\n\r\n\.leading dot\r\nlast line\r\n(\r\n)*$/,
    );
  });

  it('comes from 20 sessions of smtp-source, every message once', async () => {
    await using scenario = await begin();
    const sink = await scenario.sink({ keep: 'envelope' });
    const gateway = await scenario.gateway(['--accept', `example.com=127.0.0.1:${sink.port}`]);
    await run(
      'smtp-source',
      [
        '-s',
        '20',
        '-m',
        '500',
        '-l',
        '4096',
        '-N',
        '-f',
        's@origin.example',
        '-t',
        'u@example.com',
        `127.0.0.1:${gateway.smtpPort}`,
      ],
      {
        env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
      },
    );
    await sink.until(({ accepted }) => accepted >= 500);
    expect(sink.accepted).toBe(500);
    expect(new Set(sink.messages.map((taken) => taken.recipients[0]?.forwardPath)).size).toBe(500);
  });
});
