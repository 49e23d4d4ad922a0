import { createTransport } from 'nodemailer';
import { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Browser, startWebGateway, type WebGateway } from './web-gateway.suite.ts';

let web: WebGateway;
let sink: SmtpSink;
let browser: Browser;
beforeAll(async () => {
  sink = await SmtpSink.start();
  web = await startWebGateway({}, [{ domain: 'example.com', destinations: [`127.0.0.1:${sink.port}`] }]);
  browser = await web.as('reader');
});
afterAll(async () => {
  await web.stop();
  await sink.stop();
});

async function send(count: number): Promise<void> {
  const [host, port] = web.gateway.smtp[0]!.split(':');
  const client = createTransport({ host, port: Number(port), ignoreTLS: true });
  const envelope = { from: 'me@origin.example', to: ['u@example.com'] };
  for (let number = 0; number < count; number++) await client.sendMail({ envelope, text: 'hello' });
  client.close();
}

interface Block {
  readonly id?: string;
  readonly event?: { readonly event: string; readonly message: string };
}

/** The blocks of `text/event-stream`. */
function blocksOf(text: string): Block[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [, name, value] = /^(id|data): (.*)$/.exec(block)!;
      return name === 'id' ? { id: value! } : { event: JSON.parse(value!) as Block['event'] & object };
    });
}

async function toldSoFar(query = ''): Promise<Block[]> {
  const { body } = await browser.get(`/events?after=&follow=false${query}`);
  return blocksOf(body as string);
}

describe('GET /api/v1/events', () => {
  it('tells what a trace tells, and an id behind it that a browser goes on from', async () => {
    await send(2);
    await vi.waitFor(
      async () => expect((await toldSoFar('&kind=delivered')).filter(({ event }) => event)).toHaveLength(2),
      20_000,
    );
    const blocks = await toldSoFar();
    const { id } = blocks.at(-1)!;
    expect(id).toMatch(/^[0-9a-z.-]+$/);
    const first = blocks[0]!.event!;
    expect(blocks.filter(({ event }) => event?.message === first.message).map(({ event }) => event!.event)).toEqual([
      'accepted',
      'attempt',
      'delivered',
    ]);
    const { body } = await browser.get('/events?after=&follow=false', { 'last-event-id': id! });
    expect(blocksOf(body as string).filter(({ event }) => event !== undefined)).toEqual([]);
  });

  it('goes on telling while it is open, and leaves off when it is closed', async () => {
    const controller = new AbortController();
    const { origin } = web;
    const answer = await fetch(`${origin}/api/v1/events?kind=accepted,delivered&domain=example.com`, {
      headers: { cookie: browser.cookie },
      signal: controller.signal,
    });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    const reading = (async () => {
      for await (const piece of answer.body!) text += Buffer.from(piece).toString();
    })().catch(() => undefined);
    await vi.waitFor(() => expect(text).toMatch(/^id: /), 20_000);
    await send(1);
    await vi.waitFor(() => expect(text).toMatch(/"accepted".*"delivered"/s), 20_000);
    controller.abort();
    await reading;
  });

  it.each([
    ['?after=nonsense', 400, 'CURSOR_INVALID'],
    ['?after=1.1.0.', 410, 'CURSOR_TOO_OLD'],
    ['?kind=eaten', 400, 'PARAMETER_INVALID'],
    ['?domain=a%20b', 400, 'PARAMETER_INVALID'],
  ])('refuses %s', async (query, status, code) => {
    const answer = await browser.get(`/events${query}`);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(code === 'CURSOR_TOO_OLD').toBe(answer.body.earliest !== undefined);
  });

  it('lets in so many that the page still has connections, and more when one leaves', async () => {
    const controllers = Array.from({ length: 32 }, () => new AbortController());
    const open = controllers.map(({ signal }) =>
      fetch(`${web.origin}/api/v1/events`, { headers: { cookie: browser.cookie }, signal }),
    );
    for (const one of open) expect((await one).status).toBe(200);
    expect((await browser.get('/events?follow=false')).status).toBe(503);
    for (const controller of controllers) controller.abort();
    await vi.waitFor(async () => expect((await browser.get('/events?follow=false')).status).toBe(200), 20_000);
  });
});
