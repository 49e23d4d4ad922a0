/**
 * The contract of the port `Relay`: every recipient gets exactly one result, content arrives octet for octet, no octet
 * of a dot goes out unless it was allowed. Each driver's spec calls {@link relaySuite} with what makes its relay.
 */
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  CONTENT,
  contentOf,
  isSession,
  openTo,
  OPTIONS,
  hostOf,
  type RelayUnderTest,
  streamOf,
  summary,
  transactionTo,
} from './relay-fixture.ts';
import { describeSessions } from './relay-session.suite.ts';
import type { SinkContext, SinkOptions } from './sink-script.ts';
import { SmtpSink } from './smtp-sink.ts';

const PATIENT = 20_000;
const SHORT = 250;

export function relaySuite(name: string, driver: RelayUnderTest): void {
  describe(`${name}: Relay`, () => {
    describeSessions(driver);
    describeContent(driver);
    describeEnvelope(driver);
    describeFaults(driver);
  });
}

let sink: SmtpSink;
const started = new Set<SmtpSink>();
afterEach(async () => {
  for (const each of started) await each.stop();
  started.clear();
});

async function startSink(options: SinkOptions = {}): Promise<void> {
  sink = await SmtpSink.start(options);
  started.add(sink);
}

/** What a host must read when it was sent `content`: every line ended by CRLF, the last one too. */
function normalised(content: Uint8Array): Buffer {
  const octets: number[] = [];
  for (let i = 0; i < content.length; i++) {
    const octet = content[i]!;
    if (octet === 10 && content[i - 1] !== 13) octets.push(13, 10);
    else if (octet === 13 && content[i + 1] !== 10) octets.push(13, 10);
    else octets.push(octet);
  }
  if (octets.at(-1) !== 10) octets.push(13, 10);
  return Buffer.from(octets);
}

function describeContent(driver: RelayUnderTest): void {
  describe('content', () => {
    it('arrives octet for octet, however it is cut, dots at line starts included', async () => {
      await startSink();
      const connection = await openTo(driver.make(PATIENT), sink);
      const piece = fc.constantFrom('.', '..', '\r\n', '\r\n.', 'x', 'é', '\0', 'a'.repeat(998), '\r\n.\r\n', ' ');
      const pieces = fc.array(piece, { minLength: 1, maxLength: 40 });
      await fc.assert(
        fc.asyncProperty(pieces, fc.boolean(), fc.boolean(), async (texts, isStream, isProved) => {
          const chunks = texts.map((text) => Buffer.from(text, 'latin1'));
          const whole = Buffer.concat([...chunks, Buffer.from('\r\n')]);
          chunks.push(Buffer.from('\r\n'));
          const content = isStream ? streamOf(chunks) : contentOf(chunks);
          const proof = isProved ? { mayEnd: () => true } : {};
          const results = await connection.send(transactionTo(['a@b.test'], { content, ...proof }));
          expect(summary(results)).toEqual(['10 accepted 250']);
          expect(sink.messages.at(-1)?.content.equals(whole)).toBe(true);
        }),
        { numRuns: 150 },
      );
      expect(sink.connections).toBe(1);
      await connection.close();
    });

    it('never has a bare CR or LF: they become CRLF before dots are doubled', async () => {
      await startSink();
      const connection = await openTo(driver.make(PATIENT), sink);
      const piece = fc.constantFrom('\r', '\n', '\r\n', '.', 'x', '\n.\n', '\r.\r', '\n.\r\n', '\r\n.\r');
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), fc.boolean(), async (texts, isStream) => {
          const chunks = texts.map((text) => Buffer.from(text, 'latin1'));
          const content = isStream ? streamOf(chunks) : contentOf(chunks);
          const taken = sink.accepted;
          const results = await connection.send(transactionTo(['a@b.test'], { content }));
          expect(summary(results)).toEqual(['10 accepted 250']);
          expect(sink.accepted).toBe(taken + 1);
          expect(sink.messages.at(-1)?.content.toString('latin1')).toBe(
            normalised(Buffer.concat(chunks)).toString('latin1'),
          );
        }),
        { numRuns: 150 },
      );
      await connection.close();
    });

    it('of several megabytes arrives whole, from memory and from a stream', async () => {
      await startSink();
      const connection = await openTo(driver.make(PATIENT), sink);
      // Most pieces of it can be sent as they are.
      const line = `${'0123456789'.repeat(7)}\r\n`;
      const whole = Buffer.from(`${line.repeat(25_000)}.${line}`.repeat(10));
      for (const content of [contentOf(whole), streamOf(cut(whole, 60_001)), contentOf(cut(whole, 700_000))]) {
        const results = await connection.send(transactionTo(['a@b.test'], { content, mayEnd: () => true }));
        expect(summary(results)).toEqual(['10 accepted 250']);
        expect(sink.messages.at(-1)?.content.equals(whole)).toBe(true);
      }
      await connection.close();
    });

    it('that cannot be read to its end is not delivered, nor is one of another size than announced', async () => {
      await startSink();
      const relay = driver.make(PATIENT);
      const half = Buffer.from(CONTENT);
      const broken = async function* (): AsyncIterable<Uint8Array> {
        yield half;
        throw new Error('store away');
      };
      const contents = [
        { sizeOctets: 1000, octets: () => Promise.resolve(broken()) },
        { sizeOctets: 1000, octets: () => Promise.reject(new Error('store away')) },
        streamOf([half], half.length + 1),
        streamOf([half, half], half.length),
        contentOf(''),
      ];
      for (const content of contents) {
        const connection = await openTo(relay, sink);
        expect(summary(await connection.send(transactionTo(['a@b.test'], { content })))).toEqual(['10 failed data']);
        await connection.close();
      }
      expect(sink.accepted).toBe(0);
    });
  });

  describe('the final dot', () => {
    it('is allowed after all content was sent, and right before it goes out (I4)', async () => {
      const steps: string[] = [];
      await startSink({ onStep: ({ step }) => void steps.push(step) });
      const connection = await openTo(driver.make(PATIENT), sink);
      const content = contentOf(Buffer.from('line\r\n'.repeat(100_000)));
      const mayEnd = async (): Promise<boolean> => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        steps.push('allowed');
        return true;
      };
      const results = await connection.send(transactionTo(['a@b.test'], { content, mayEnd }));
      expect(summary(results)).toEqual(['10 accepted 250']);
      expect(steps.slice(steps.indexOf('data'), -1)).toEqual(['data', 'allowed', 'dot']);
      await connection.close();
    });

    it.each([
      ['denied', () => false],
      ['denied later', () => Promise.resolve(false)],
      ['not proved', () => Promise.reject(new Error('no proof'))],
    ])('is not sent when it is %s: nothing was taken (I4)', async (_how, mayEnd) => {
      const steps: string[] = [];
      await startSink({ onStep: ({ step }) => void steps.push(step) });
      const connection = await openTo(driver.make(PATIENT), sink);
      for (const content of [contentOf(CONTENT), streamOf([Buffer.from(CONTENT)])]) {
        const results = await connection.send(transactionTo(['a@b.test', 'c@d.test'], { mayEnd, content }));
        expect(results.map(({ kind }) => kind)).toEqual(['failed', 'failed']);
        expect(connection.usable).toBe(false);
      }
      await sink.until(({ openConnections }) => openConnections === 0);
      expect(steps).not.toContain('dot');
    });

    it('is not sent when the host closed meanwhile', async () => {
      await startSink();
      const connection = await openTo(driver.make(PATIENT), sink);
      const mayEnd = async (): Promise<boolean> => {
        sink.dropConnections();
        await sink.until(({ openConnections }) => openConnections === 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return true;
      };
      const results = await connection.send(transactionTo(['a@b.test'], { mayEnd }));
      expect(summary(results)).toEqual(['10 failed data']);
    });
  });
}

function cut(whole: Buffer, sizeOctets: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let i = 0; i < whole.length; i += sizeOctets) chunks.push(whole.subarray(i, i + sizeOctets));
  return chunks;
}

function describeEnvelope(driver: RelayUnderTest): void {
  describe('envelope', () => {
    it('of ten recipients is one transaction with ten RCPTs on one connection (R100)', async () => {
      await startSink();
      const connection = await openTo(driver.make(PATIENT), sink);
      const paths = Array.from({ length: 10 }, (_, i) => `user${i}@rcpt.test`);
      const results = await connection.send(transactionTo(paths));
      expect(summary(results)).toEqual(paths.map((_, i) => `${10 + i} accepted 250`));
      expect([sink.connections, sink.transactions, sink.recipients]).toEqual([1, 1, 10]);
      expect(sink.messages[0]?.recipients.map(({ forwardPath }) => forwardPath)).toEqual(paths);
      await connection.close();
    });

    it('after another goes over the same connection: ten messages, one connection (R90)', async () => {
      for (const capabilities of [['PIPELINING', '8BITMIME'], []]) {
        await startSink({ capabilities });
        const connection = await openTo(driver.make(PATIENT), sink);
        for (let i = 0; i < 10; i++) {
          expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
          expect(connection.usable).toBe(true);
        }
        expect([sink.connections, sink.accepted]).toEqual([1, 10]);
        await connection.close();
      }
    });

    it('carries SIZE, BODY, SMTPUTF8 and the DSN parameters, each once, to a host that offers them', async () => {
      await startSink();
      const connection = await openTo(driver.make(PATIENT), sink);
      const recipients = [
        { forwardPath: 'é@rcpt.test' as never, notify: 'SUCCESS,FAILURE', orcpt: 'rfc822;old+2Bname@rcpt.test' },
        ...(driver.cannot?.has('headerSmtpUtf8') === true ? [] : [{ notify: 'NEVER' }, {}]),
      ];
      const changes = { eightBit: true, smtpUtf8: true, ret: 'HDRS', envid: 'QQ+3D314', reversePath: null } as const;
      const results = await connection.send(transactionTo(recipients, changes));
      expect(results.map(({ kind }) => kind)).toEqual(recipients.map(() => 'accepted'));
      const taken = sink.messages.flatMap(({ recipients }) => recipients);
      for (const { mailParameters, reversePath } of sink.messages) {
        expect(reversePath).toBe('');
        expect(mailParameters.toSorted()).toEqual([
          'BODY=8BITMIME',
          'ENVID=QQ+3D314',
          'RET=HDRS',
          `SIZE=${CONTENT.length}`,
          'SMTPUTF8',
        ]);
      }
      const byPath = new Map(taken.map(({ forwardPath, parameters }) => [forwardPath, parameters.toSorted()]));
      expect(byPath.get('é@rcpt.test')).toEqual(['NOTIFY=SUCCESS,FAILURE', 'ORCPT=rfc822;old+2Bname@rcpt.test']);
      if (recipients.length > 1) {
        expect(byPath.get('r1@rcpt.test')).toEqual(['NOTIFY=NEVER']);
        expect(byPath.get('r2@rcpt.test')).toEqual([]);
      }
      await connection.close();
    });

    it('carries no parameter to a host that does not offer it', async () => {
      await startSink({ capabilities: [] });
      const connection = await openTo(driver.make(PATIENT), sink);
      await connection.send(
        transactionTo([{ notify: 'NEVER', orcpt: 'rfc822;a@b.test' }], { ret: 'FULL', envid: 'x' }),
      );
      expect(sink.messages[0]).toMatchObject({ mailParameters: [], recipients: [{ parameters: [] }] });
      await connection.close();
    });

    it('or content that the host cannot take is refused before MAIL: SMTPUTF8, 8BITMIME, SIZE', async () => {
      await startSink({ capabilities: ['PIPELINING', 'SIZE 100'] });
      const connection = await openTo(driver.make(PATIENT), sink);
      const content = contentOf(`${'x'.repeat(200)}\r\n`);
      const refusals = [
        await connection.send(transactionTo(['é@b.test'])),
        await connection.send(transactionTo(['a@b.test'], { reversePath: 'é@b.test' as never })),
        await connection.send(transactionTo(['a@b.test'], { smtpUtf8: true })),
        await connection.send(transactionTo(['a@b.test'], { eightBit: true })),
        await connection.send(transactionTo(['a@b.test'], { content })),
      ];
      const statuses = refusals.flat().map((result) => result.kind === 'refused' && result.reply.enhancedStatus);
      expect(statuses).toEqual(['5.6.7', '5.6.7', '5.6.7', '5.6.3', '5.3.4']);
      expect(sink.transactions).toBe(0);
      expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
      await connection.close();
    });

    it('never puts an address into a command that could end it or add to it', async () => {
      const lines: string[] = [];
      await startSink({ onStep: ({ line }) => void lines.push(line) });
      const connection = await openTo(driver.make(PATIENT), sink);
      const hostile = [
        'a@b.test>\r\nRSET',
        'a@b.test\r\nDATA',
        'a@b.test\n',
        'a\0@b.test',
        'a@b.test> NOTIFY=NEVER',
        '<a@b.test',
        'a b@c.test',
        '"a\r\n"@b.test',
        '"a@b.test',
        '',
      ];
      const good = ['"a b>c"@d.test', "o'hara+x=y@d.test", '"a\\"b"@d.test'];
      const results = await connection.send(
        transactionTo([...hostile, ...(driver.cannot?.has('quotedBrackets') ? [] : good), 'z@d.test']),
      );
      for (const result of results.slice(0, hostile.length)) {
        expect(result).toMatchObject({ kind: 'refused', stage: 'rcpt', reply: { enhancedStatus: '5.1.3' } });
      }
      expect(results.slice(hostile.length).map(({ kind }) => kind)).toEqual(
        results.slice(hostile.length).map(() => 'accepted'),
      );
      for (const path of hostile.slice(0, -1)) {
        const [result] = await connection.send(transactionTo(['z@d.test'], { reversePath: path as never }));
        expect(result).toMatchObject({ kind: 'refused', stage: 'mail', reply: { enhancedStatus: '5.1.7' } });
      }
      expect(lines.filter((line) => /^(?:RSET|NOTIFY)|b\.test/.test(line))).toEqual([]);
      await connection.close();
    });

    it('has parameters only when they are well formed', async () => {
      await startSink();
      const connection = await openTo(driver.make(PATIENT), sink);
      const recipient = { notify: 'NEVER\r\nRSET', orcpt: 'rfc822;a b' };
      const results = await connection.send(transactionTo([recipient], { envid: 'a\r\nb' }));
      expect(summary(results)).toEqual(['10 accepted 250']);
      expect(sink.messages[0]).toMatchObject({
        mailParameters: [`SIZE=${CONTENT.length}`],
        recipients: [{ parameters: [] }],
      });
      await connection.close();
    });
  });
}

/** Answers one step and leaves the rest. */
function at(step: string, answer: SinkOptions['onStep']): Pick<SinkOptions, 'onStep'> {
  return { onStep: (context: SinkContext) => (context.step === step ? answer?.(context) : undefined) };
}

function describeFaults(driver: RelayUnderTest): void {
  describe.each([
    ['with PIPELINING', ['PIPELINING']],
    ['without PIPELINING', []],
  ])('%s, a host', (_with, capabilities) => {
    it('that refuses some recipients gets the rest (R107)', async () => {
      await startSink({
        capabilities,
        ...at('rcpt', ({ line }) => {
          if (line.includes('soft')) return '450 4.2.1 Busy';
          return line.includes('hard') ? '550 5.1.1 No such user' : undefined;
        }),
      });
      const connection = await openTo(driver.make(PATIENT), sink);
      const paths = ['soft@b.test', 'a@b.test', 'hard@b.test', 'c@b.test'];
      expect(summary(await connection.send(transactionTo(paths)))).toEqual([
        '10 refused rcpt recipient 450',
        '11 accepted 250',
        '12 refused rcpt recipient 550',
        '13 accepted 250',
      ]);
      expect([sink.transactions, sink.accepted, sink.recipients]).toEqual([1, 1, 2]);
      await connection.close();
    });

    it('that refuses the same address once and takes it once gives each its own result', async () => {
      await startSink({
        capabilities,
        ...at('rcpt', ({ rcptCount }) => (rcptCount === 1 ? '450 4.2.1 Busy' : undefined)),
      });
      const connection = await openTo(driver.make(PATIENT), sink);
      const results = await connection.send(transactionTo(['a@b.test', 'a@b.test']));
      expect(summary(results)).toEqual(['10 refused rcpt recipient 450', '11 accepted 250']);
      await connection.close();
    });

    it('that refuses all recipients gets no content, and the next message', async () => {
      await startSink({
        capabilities,
        ...at('rcpt', ({ line }) => (line.includes('no') ? '550 5.1.1 No' : undefined)),
      });
      const connection = await openTo(driver.make(PATIENT), sink);
      for (let i = 0; i < 2; i++) {
        expect(summary(await connection.send(transactionTo(['no1@b.test', 'no2@b.test'])))).toEqual([
          '10 refused rcpt recipient 550',
          '11 refused rcpt recipient 550',
        ]);
        expect(connection.usable).toBe(true);
        expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
      }
      expect([sink.connections, sink.accepted, sink.recipients]).toEqual([1, 2, 2]);
      await connection.close();
    });

    it('that wants content without recipients gets nothing that could be a message', async () => {
      await startSink({
        capabilities,
        onStep: ({ step, line, recipients }) => {
          if (step === 'rcpt' && line.includes('no')) return '550 5.1.1 No';
          if (step === 'data' && recipients.length === 0) return '354 Go on';
          return undefined;
        },
      });
      const relay = driver.make(PATIENT);
      const connection = await openTo(relay, sink);
      expect(summary(await connection.send(transactionTo(['no@b.test'])))).toEqual(['10 refused rcpt recipient 550']);
      const next = connection.usable ? connection : await openTo(relay, sink);
      expect(summary(await next.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
      expect(sink.recipients).toBe(1);
      for (const { content, recipients } of sink.messages) {
        expect(recipients.length > 0 || content.length === 0).toBe(true);
      }
      await next.close();
    });

    it('that refuses MAIL keeps the message for all recipients and gets the next one (R60)', async () => {
      await startSink({
        capabilities,
        ...at('mail', ({ mailCount }) => (mailCount === 1 ? '451 4.3.0 Later' : undefined)),
      });
      const connection = await openTo(driver.make(PATIENT), sink);
      const results = await connection.send(transactionTo(['a@b.test', 'c@b.test']));
      expect(summary(results)).toEqual(['10 refused mail message 451', '11 refused mail message 451']);
      expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
      await connection.close();
    });

    it('that refuses DATA or the content refuses it for the recipients it had taken', async () => {
      await startSink({
        capabilities,
        onStep: ({ step, mailCount }) => {
          if (step === 'data' && mailCount === 1) return '451 4.3.0 Later';
          return step === 'dot' && mailCount === 2 ? '554 5.7.1 Spam' : undefined;
        },
      });
      const connection = await openTo(driver.make(PATIENT), sink);
      const transaction = transactionTo(['a@b.test', 'c@b.test']);
      expect(summary(await connection.send(transaction))).toEqual([
        '10 refused data message 451',
        '11 refused data message 451',
      ]);
      expect(summary(await connection.send(transaction))).toEqual([
        '10 refused endOfData message 554',
        '11 refused endOfData message 554',
      ]);
      expect(summary(await connection.send(transaction))).toEqual(['10 accepted 250', '11 accepted 250']);
      expect(sink.accepted).toBe(1);
      await connection.close();
    });

    it('that has a recipient limit gets the rest in further transactions (R106)', async () => {
      await startSink({ capabilities, recipientLimit: 2 });
      const connection = await openTo(driver.make(PATIENT), sink);
      const paths = ['a@b.test', 'c@b.test', 'd@b.test', 'e@b.test'];
      expect(summary(await connection.send(transactionTo(paths)))).toEqual([
        '10 accepted 250',
        '11 accepted 250',
        '12 postponed 452',
        '13 postponed 452',
      ]);
      expect(summary(await connection.send(transactionTo(paths.slice(2))))).toEqual([
        '10 accepted 250',
        '11 accepted 250',
      ]);
      expect([sink.connections, sink.recipients]).toEqual([1, 4]);
      await connection.close();
    });

    it('that takes no recipient at all for its limit is refusing, not limiting (R106)', async () => {
      await startSink({ capabilities, recipientLimit: 0 });
      const connection = await openTo(driver.make(PATIENT), sink);
      expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 refused rcpt recipient 452']);
      await connection.close();
    });

    it.each(['mail', 'rcpt', 'data'] as const)('that closes or is silent at %s has taken nothing', async (step) => {
      for (const end of ['close', 'reset', 'hang'] as const) {
        await startSink({ capabilities, ...at(step, () => ({ end })) });
        const connection = await openTo(driver.make(end === 'hang' ? SHORT : PATIENT), sink);
        const results = await connection.send(transactionTo(['a@b.test', 'c@b.test']));
        expect(results.map(({ kind, recipient }) => `${recipient} ${kind}`)).toEqual(['10 failed', '11 failed']);
        expect(connection.usable).toBe(false);
        await connection.close();
        expect(sink.accepted).toBe(0);
      }
    });

    it.each(['mail', 'rcpt', 'data'] as const)('that shuts down at %s refuses for now', async (step) => {
      await startSink({ capabilities, ...at(step, () => ({ reply: '421 4.3.2 Shutting down', end: 'close' })) });
      const connection = await openTo(driver.make(PATIENT), sink);
      const results = await connection.send(transactionTo(['a@b.test', 'c@b.test']));
      for (const result of results) {
        if (driver.cannot?.has('lastWords') === true && result.kind === 'failed') continue;
        expect(result).toMatchObject({ kind: 'refused', stage: step, appliesTo: 'session', reply: { code: 421 } });
      }
      expect(connection.usable).toBe(false);
      await connection.close();
    });

    it('that is silent or gone after the dot may have taken the message (R61)', async () => {
      for (const end of ['close', 'reset', 'hang'] as const) {
        await startSink({
          capabilities,
          onStep: ({ step, line }) => {
            if (step === 'rcpt' && line.includes('no')) return '550 5.1.1 No';
            return step === 'dot' ? { end } : undefined;
          },
        });
        const connection = await openTo(driver.make(end === 'hang' ? SHORT : PATIENT), sink);
        const results = await connection.send(transactionTo(['a@b.test', 'no@b.test', 'c@b.test']));
        expect(summary(results)).toEqual(['10 unknown', '11 refused rcpt recipient 550', '12 unknown']);
        expect(connection.usable).toBe(false);
        await connection.close();
      }
    });

    it('that speaks nonsense is not believed, and after the dot nothing is known', async () => {
      const nonsense = ['hello', '25x Ok', '99 Ok', '250-a\r\n550 b', `250 ${'x'.repeat(2_000_000)}`];
      for (const step of ['mail', 'rcpt', 'data', 'dot'] as const) {
        for (const reply of nonsense) {
          await startSink({ capabilities, ...at(step, () => ({ reply, end: 'close' })) });
          const connection = await openTo(driver.make(PATIENT), sink);
          const [result] = await connection.send(transactionTo(['a@b.test']));
          expect([step, reply.slice(0, 9), result?.kind]).toEqual([
            step,
            reply.slice(0, 9),
            step === 'dot' ? 'unknown' : 'failed',
          ]);
          expect(connection.usable).toBe(false);
          await connection.close();
        }
      }
    });

    it('that answers an octet at a time is bounded', async () => {
      await startSink({ capabilities, ...at('mail', () => ({ reply: `250 ${'x'.repeat(400)}`, trickleMs: 10 })) });
      const connection = await openTo(driver.make(SHORT), sink);
      const before = performance.now();
      expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 failed mail']);
      expect(performance.now() - before).toBeLessThan(3_000);
      await connection.close();
    });

    it('may use many long lines, which are kept up to 1,024 characters', async () => {
      const long = 'y'.repeat(1_500);
      const reply = `250-2.0.0 ${long}\r\n250-2.0.0 second\r\n250 2.0.0 third`;
      await startSink({ capabilities, ...at('dot', () => reply) });
      const connection = await openTo(driver.make(PATIENT), sink);
      const [result] = await connection.send(transactionTo(['a@b.test']));
      expect(result).toMatchObject({ kind: 'accepted', reply: { code: 250, enhancedStatus: '2.0.0' } });
      expect(result?.kind === 'accepted' && result.reply.text).toBe(long.slice(0, 1_024));
      expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 accepted 250']);
      await connection.close();
    });
  });

  it('does not take a transaction on a session that the host has closed', async () => {
    await startSink();
    const connection = await openTo(driver.make(PATIENT), sink);
    sink.dropConnections();
    await expect.poll(() => connection.usable).toBe(false);
    expect(summary(await connection.send(transactionTo(['a@b.test'])))).toEqual(['10 failed mail']);
    await connection.close();
  });

  it('gives up a transaction when it is closed, without a dot', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await startSink({
      ...at('data', () => {
        resolve();
        return undefined;
      }),
    });
    const opened = await driver.make(PATIENT).connect(hostOf(sink), OPTIONS);
    if (!isSession(opened)) throw new Error(opened.reason);
    const waiting = Promise.withResolvers<boolean>();
    const sending = opened.send(transactionTo(['a@b.test'], { mayEnd: () => waiting.promise }));
    await promise;
    await opened.close();
    waiting.resolve(true);
    expect((await sending).map(({ kind }) => kind)).toEqual(['failed']);
    expect(sink.accepted).toBe(0);
  });
}
