import { summary, transactionTo } from '@mailyard/testkit/relay-fixture';
import { relaySuite } from '@mailyard/testkit/relay.suite';
import { SmtpSink } from '@mailyard/testkit/smtp-sink';
import { describe, expect, it } from 'vitest';
import { SmtpRelay, TIMEOUTS } from './index.ts';

relaySuite('SmtpRelay', {
  make: (waitMs, tlsFiles = {}) => {
    const timeouts = Object.fromEntries(Object.keys(TIMEOUTS).map((step) => [step, waitMs]));
    return new SmtpRelay({ incarnation: 'spec', timeouts, tlsFiles });
  },
});

describe('SmtpRelay', () => {
  it('opens no session when plaintext follows the reply to STARTTLS', async () => {
    const sink = await SmtpSink.start({
      tls: true,
      onStep: ({ step }) => (step === 'starttls' ? '220 Go ahead\r\n250 SIZE 1' : undefined),
    });
    const host = { name: 'localhost', address: '127.0.0.1', port: sink.port };
    const relay = new SmtpRelay({ incarnation: 'spec' });
    for (const tls of ['preferred', 'required'] as const) {
      const opened = await relay.connect(host, { heloName: 'gateway.test', tls });
      if ('send' in opened) {
        // Preferred: another connection, in the clear.
        expect([tls, sink.connections]).toEqual(['preferred', 2]);
        await opened.close();
      } else expect(opened).toEqual({ stage: 'starttls', reason: 'plaintext after STARTTLS' });
    }
    await sink.stop();
  });

  it('numbers its connections within the incarnation', async () => {
    const sink = await SmtpSink.start();
    const relay = new SmtpRelay({ incarnation: 'ab12' });
    const host = { name: 'localhost', address: '127.0.0.1', port: sink.port };
    const dcids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const opened = await relay.connect(host, { heloName: 'gateway.test', tls: 'none' });
      if ('send' in opened) dcids.push(opened.dcid);
    }
    expect(dcids).toEqual(['ab12-1', 'ab12-2', 'ab12-3']);
    await sink.stop();
  });

  it('keeps to the limits that a host announces (RFC 9422)', async () => {
    const sink = await SmtpSink.start({ capabilities: ['PIPELINING', 'LIMITS RCPTMAX=2 MAILMAX=2'] });
    const host = { name: 'localhost', address: '127.0.0.1', port: sink.port };
    const opened = await new SmtpRelay({ incarnation: 'x' }).connect(host, { heloName: 'gateway.test', tls: 'none' });
    if (!('send' in opened)) throw new Error(opened.reason);
    const results = await opened.send(transactionTo(['a@b.test', 'c@b.test', 'd@b.test']));
    expect(summary(results)).toEqual(['10 accepted 250', '11 accepted 250', '12 postponed']);
    expect(opened.usable).toBe(true);
    expect(summary(await opened.send(transactionTo(['d@b.test'])))).toEqual(['10 accepted 250']);
    expect(opened.usable).toBe(false);
    await opened.close();
    await sink.stop();
  });
});
