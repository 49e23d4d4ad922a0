import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, hasNonAscii, type Reply } from '@mailyard/mail';
import { type MessageId, reportIdOf } from '@mailyard/queue';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildReport, type ReportRequest } from './index.ts';

const MESSAGE = '01jdf0k3v8pq4r5s6t7v8w9xyz' as MessageId;
const AT = Date.UTC(2026, 10, 24, 4, 28, 38);

const ORIGINAL = [
  'Received: from client.test by gateway.test; Tue, 24 Nov 2026 04:00:00 +0000',
  'From: Ann <ann@sender.test>',
  'To: Bob <bob@rcpt.test>',
  'Subject: Hello',
  'Message-ID: <1@sender.test>',
  '',
  'Hello Bob.',
  '.',
  '',
].join('\r\n');

function contentOf(text: string): { octets: Uint8Array; sizeOctets: number } {
  const octets = Buffer.from(text, 'latin1');
  return { octets, sizeOctets: octets.length };
}

const FAILED: ReportRequest = {
  id: reportIdOf(MESSAGE, 0),
  at: AT,
  reportingMta: 'gateway.test',
  action: 'failed',
  reversePath: 'ann@sender.test' as Address,
  arrivedAt: AT - 60_000,
  envid: 'QQ+3D314',
  smtpUtf8: false,
  headerMessageId: '<1@sender.test>',
  forwardPath: 'bob@rcpt.test' as Address,
  orcpt: 'rfc822;bob+2Bnews@rcpt.test',
  reply: { code: 550, enhancedStatus: '5.1.1', text: 'No such user here' },
  host: 'mx1.rcpt.test [192.0.2.1]:25',
  lastAttemptAt: AT - 1_000,
  original: contentOf(ORIGINAL),
};

const CASES: readonly (readonly [file: string, why: string, request: ReportRequest])[] = [
  ['failed', 'a host refused the recipient; the whole original is small enough', FAILED],
  [
    'expired',
    'nobody ever answered; RET=HDRS, no ORCPT, no ENVID',
    omit(
      {
        ...FAILED,
        ret: 'HDRS',
        reply: { code: 450, enhancedStatus: '4.4.7', text: 'Not delivered within 3 days: connection timed out' },
      },
      ['host', 'envid', 'orcpt', 'headerMessageId'],
    ),
  ],
  [
    'delayed',
    'still being tried',
    {
      ...FAILED,
      action: 'delayed',
      reply: { code: 452, enhancedStatus: '4.2.2', text: 'Mailbox full\nplease come back later' },
      willRetryUntil: AT + 259_200_000,
      ret: 'HDRS',
    },
  ],
  [
    'relayed',
    'NOTIFY=SUCCESS towards a host without DSN',
    { ...FAILED, action: 'relayed', reply: { code: 250, enhancedStatus: '2.0.0', text: 'Ok: queued as 4711' } },
  ],
  [
    'large',
    'more than 10 KiB: the header alone',
    { ...FAILED, original: contentOf(ORIGINAL + 'x'.repeat(70).concat('\r\n').repeat(200)) },
  ],
  [
    'eight-bit',
    'the original needs 8BITMIME, and so does the report',
    { ...FAILED, original: contentOf(`${ORIGINAL}Gr\xfc\xdfe\r\n`) },
  ],
  [
    'utf8',
    'an internationalised recipient: the parts of RFC 6533, in Base64',
    {
      ...FAILED,
      smtpUtf8: true,
      reversePath: 'ånn@sender.test' as Address,
      forwardPath: 'böb@rcpt.test' as Address,
      orcpt: 'utf-8;b\\x{F6}b@rcpt.test',
      reply: { code: 550, enhancedStatus: '5.1.1', text: 'böb gibt es nicht' },
      original: contentOf(ORIGINAL.replace('Bob <bob', Buffer.from('Böb <böb', 'utf8').toString('latin1'))),
    },
  ],
];

function omit(request: ReportRequest, keys: readonly (keyof ReportRequest)[]): ReportRequest {
  return Object.fromEntries(
    Object.entries(request).filter(([key]) => !keys.includes(key as keyof ReportRequest)),
  ) as unknown as ReportRequest;
}

function parse(request: ReportRequest): { readonly whole: Entity; readonly parts: readonly Entity[] } {
  const { content, eightBit } = buildReport(request);
  const text = Buffer.from(content).toString('latin1');
  if (!eightBit && !hasNonAscii(request.reversePath)) expect(hasNonAscii(text)).toBe(false);
  const whole = parseEntity(text);
  return { whole, parts: whole.parts };
}

/** A MIME entity, taken apart by a reader that forgives nothing. */
interface Entity {
  readonly type: string;
  readonly fields: ReadonlyMap<string, string>;
  /** Decoded. */
  readonly body: string;
  readonly parts: readonly Entity[];
}

/** Reads fields; throws at whatever RFC 5322 does not allow, double fields included. */
function parseFields(section: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of section
    .replace(/\r\n$/, '')
    .replace(/\r\n[ \t]+(?=\S)/g, ' ')
    .split('\r\n')) {
    const match = /^([!-9;-~]+): (\S.*)$/.exec(line);
    if (match === null) throw new Error(`no field: ${JSON.stringify(line)}`);
    const name = match[1]!.toLowerCase();
    if (fields.has(name)) throw new Error(`${name} twice`);
    fields.set(name, match[2]!);
  }
  return fields;
}

/** Reads an entity; throws at bare CR and LF, NUL, long lines, octets that its label denies, parts that do not end. */
function parseEntity(text: string): Entity {
  const end = text.indexOf('\r\n\r\n');
  const fields = parseFields(text.slice(0, end + 2));
  const raw = text.slice(end + 4);
  const encoding = fields.get('content-transfer-encoding');
  if (/\0|\r(?!\n)|(?<!\r)\n|[^\r\n]{999}/.test(text)) throw new Error('no lines of mail');
  if (encoding !== '8bit' && /[\x80-\xff]/.test(raw)) throw new Error(`not ${encoding}`);
  if (encoding === 'base64' && !/^(?:[A-Za-z0-9+/]{1,76}={0,2}\r\n)*$/.test(raw)) throw new Error('no Base64');
  const [type = '', ...parameters] = fields.get('content-type')!.split('; ');
  const body = encoding === 'base64' ? Buffer.from(raw, 'base64').toString('latin1') : raw;
  const boundary = /^boundary="([^"]{1,70})"$/.exec(parameters.at(-1) ?? '')?.[1];
  if (boundary === undefined) return { type, fields, body, parts: [] };
  const pieces = `\r\n${raw}`.split(`\r\n--${boundary}`);
  if (pieces.shift() !== '' || pieces.pop() !== '--\r\n') throw new Error('parts not delimited');
  const parts = pieces.map((piece) => {
    if (!piece.startsWith('\r\n')) throw new Error('boundary inside a part');
    return parseEntity(piece.slice(2));
  });
  return { type, fields, body, parts };
}

describe('buildReport', () => {
  it.each(CASES)('writes %s as expected: %s', (file, _why, request) => {
    const expected = readFileSync(join(import.meta.dirname, '../testdata', `${file}.eml`), 'latin1');
    expect(Buffer.from(buildReport(request).content).toString('latin1')).toBe(expected);
  });

  it('has three parts, about one recipient (R79)', () => {
    const { whole, parts } = parse(FAILED);
    expect(whole.type).toBe('multipart/report');
    expect(parts.map(({ type }) => type)).toEqual(['text/plain', 'message/delivery-status', 'message/rfc822']);
    const [message, recipient, ...more] = parts[1]!.body.split('\r\n\r\n').map(parseFields);
    expect(more).toEqual([]);
    expect(message!.get('original-envelope-id')).toBe('QQ=314');
    expect(recipient!.get('original-recipient')).toBe('rfc822; bob+news@rcpt.test');
    expect(recipient!.get('final-recipient')).toBe('rfc822; bob@rcpt.test');
    expect(recipient!.get('diagnostic-code')).toBe('smtp; 550 5.1.1 No such user here');
    expect(recipient!.get('remote-mta')).toBe('dns; mx1.rcpt.test');
  });

  it('returns the original octet for octet when it is whole', () => {
    expect(parse(FAILED).parts[2]!.body).toBe(ORIGINAL);
  });

  it('says what it needs of the hosts on its way', () => {
    const needs = (changes: Partial<ReportRequest>): readonly boolean[] => {
      const { eightBit, smtpUtf8 } = buildReport({ ...FAILED, ...changes });
      return [eightBit, smtpUtf8];
    };
    expect(needs({})).toEqual([false, false]);
    expect(needs({ original: contentOf(`${ORIGINAL}\xe9\r\n`) })).toEqual([true, false]);
    expect(needs({ original: contentOf(`${ORIGINAL}\xe9\r\n`), ret: 'HDRS' })).toEqual([false, false]);
    expect(needs({ forwardPath: 'é@rcpt.test' as Address })).toEqual([false, false]);
    expect(needs({ reversePath: 'é@sender.test' as Address })).toEqual([true, true]);
  });

  it.each([
    ['whole at the limit', 10_240, 'message/rfc822'],
    ['its header above it', 10_241, 'text/rfc822-headers'],
  ])('returns an original %s', (_what, sizeOctets, type) => {
    const body = `${'x'.repeat(78)}\r\n`.repeat(200).slice(0, sizeOctets - ORIGINAL.length - 2);
    const { parts } = parse({ ...FAILED, original: contentOf(`${ORIGINAL}${body}\r\n`) });
    expect(parts[2]!.type).toBe(type);
  });

  it('cuts a long header at the last line within the limit, and returns nothing when there is none', () => {
    const long = `X-Line: ${'y'.repeat(60)}\r\n`.repeat(400);
    const { parts } = parse({ ...FAILED, original: contentOf(`${long}\r\nbody\r\n`) });
    expect(parts[2]!.body.length).toBeLessThanOrEqual(10_240);
    expect(long.startsWith(parts[2]!.body)).toBe(true);
    const endless = parse({ ...FAILED, original: contentOf('z'.repeat(20_000)) });
    expect(endless.parts).toHaveLength(2);
  });

  it('returns the beginning only as a header, and nothing when nothing is to be had', () => {
    const { parts } = parse({ ...FAILED, original: { ...contentOf(ORIGINAL), sizeOctets: 9_000 } });
    expect(parts[2]!.type).toBe('text/rfc822-headers');
    expect(parse(omit(FAILED, ['original'])).parts).toHaveLength(2);
  });

  it('never has the boundary inside a part', () => {
    const boundary = `--report-${FAILED.id}`;
    const original = contentOf(`${ORIGINAL}${boundary}\r\n${boundary}.1--\r\n${boundary}.2\r\n`);
    expect(parse({ ...FAILED, original }).parts).toHaveLength(3);
  });

  it('cannot be broken by what others wrote', () => {
    const nasty = fc.array(
      fc.constantFrom(
        '\r\n',
        '\r',
        '\n',
        '\r\n\r\n',
        '\0',
        '\x1b[2J',
        '--report-',
        'Bcc: x@y.test',
        ':',
        '<',
        '>',
        'é',
      ),
      { maxLength: 12 },
    );
    const text = fc.oneof(
      fc.string({ maxLength: 1_200, unit: 'binary' }),
      nasty.map((pieces) => pieces.join('')),
    );
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      text.map((body) => Buffer.from(body, 'utf8')),
    );
    const reply = fc.record({ code: fc.integer({ min: 200, max: 599 }), text }) as fc.Arbitrary<Reply>;
    const request = fc.record(
      {
        forwardPath: text as fc.Arbitrary<Address>,
        orcpt: fc.oneof(
          text,
          text.map((tail) => `rfc822;${tail}`),
        ),
        envid: text,
        host: text,
        reply,
        headerMessageId: text,
        reversePath: text as fc.Arbitrary<Address>,
        smtpUtf8: fc.boolean(),
        action: fc.constantFrom('failed', 'delayed', 'relayed'),
        original: content.map((octets) => ({ octets, sizeOctets: octets.length })),
        ret: fc.constantFrom('FULL', 'HDRS'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(request, (changes) => {
        const { whole, parts } = parse({ ...FAILED, ...(changes as Partial<ReportRequest>) });
        expect([...whole.fields.keys()].filter((name) => !KNOWN_FIELDS.has(name))).toEqual([]);
        expect(parts.length).toBeGreaterThanOrEqual(2);
        expect(parts.length).toBeLessThanOrEqual(3);
        const groups = parts[1]!.body.split('\r\n\r\n').map(parseFields);
        expect(groups).toHaveLength(2);
        for (const name of groups.flatMap((group) => [...group.keys()])) expect(KNOWN_STATUS_FIELDS).toContain(name);
        expect(groups[1]!.get('status')).toMatch(/^[245]\.\d{1,3}\.\d{1,3}$/);
      }),
      { numRuns: 1_000 },
    );
  });
});

const KNOWN_FIELDS = new Set([
  'received',
  'from',
  'to',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'auto-submitted',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
]);
const KNOWN_STATUS_FIELDS = [
  'reporting-mta',
  'original-envelope-id',
  'arrival-date',
  'original-recipient',
  'final-recipient',
  'action',
  'status',
  'remote-mta',
  'diagnostic-code',
  'last-attempt-date',
  'will-retry-until',
];
