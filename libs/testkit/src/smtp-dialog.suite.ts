/**
 * What an SMTP listener must do on the wire, whichever engine it is: every dialog of `testdata/smtp` is played whole, in
 * single octets, and cut once at each place of each write.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { makeCertificate, type SelfSignedCertificate } from './certificate.ts';
import { type Dialog, parseDialog } from './smtp-dialog.ts';
import { type DialogServer, playDialog } from './smtp-dialog-player.ts';

/** What the dialogs take for granted of the server. */
export interface DialogServerOptions {
  readonly hostname: string;
  readonly maxMessageOctets: number;
  readonly maxRecipients: number;
  /** Refused commands after which the connection ends. */
  readonly maxErrors: number;
  readonly certificate: SelfSignedCertificate;
}

export interface ReceiverUnderTest {
  /** What it offers beyond the rest: `chunking`, `tls`. */
  readonly offers: readonly string[];
  /** At how many places each dialog is cut at most; an engine that is slow to greet is cut at fewer. */
  readonly mostCuts?: number;
  /**
   * Starts a server on a free port that takes mail from anyone, to all but `@refused.example` (550 5.7.1), and answers
   * content with 250, or with 554 5.6.0 where it has the line `Refuse: content`. AUTH is offered, under TLS alone.
   */
  start(options: DialogServerOptions): Promise<DialogServer & { stop(): Promise<void> }>;
}

const FOLDER = join(import.meta.dirname, '../testdata/smtp');
const MOST_CUTS = 400;

export function smtpDialogSuite(name: string, receiver: ReceiverUnderTest): void {
  describe(`${name}: SMTP dialogs`, () => {
    let server: Awaited<ReturnType<ReceiverUnderTest['start']>>;
    beforeAll(async () => {
      server = await receiver.start({
        hostname: 'mx.example.net',
        maxMessageOctets: 20_000,
        maxRecipients: 10,
        maxErrors: 8,
        certificate: makeCertificate(['mx.example.net']),
      });
    });
    afterAll(() => server.stop());

    for (const file of globSync('*.dialog', { cwd: FOLDER }).sort()) {
      const dialog = parseDialog(basename(file, '.dialog'), readFileSync(join(FOLDER, file), 'utf8'));
      const missing = dialog.needs.filter((need) => !receiver.offers.includes(need));
      const title = `${dialog.name}: ${dialog.why}`;
      if (missing.length > 0) {
        it.skip(`${title} (does not offer ${missing.join(', ')})`, () => undefined);
        continue;
      }
      it(title, () => playDialog(server, dialog));
      if (dialog.wholeOnly) continue;
      it(`${title}, in single octets`, () => playDialog(server, dialog, 'octets'));
      it(`${title}, cut anywhere`, async () => {
        for (const cut of cutsOf(dialog, receiver.mostCuts ?? MOST_CUTS)) await playDialog(server, dialog, cut);
      });
    }
  });
}

/** Every place of every write, or as many as there may be, evenly spread. */
function cutsOf(dialog: Dialog, most: number): { write: number; at: number }[] {
  const writes = dialog.steps.filter((step) => step.kind === 'send');
  return writes.flatMap(({ octets }, write) => {
    const step = Math.max(1, Math.floor((octets.length * writes.length) / most));
    const places: { write: number; at: number }[] = [];
    for (let at = 1; at < octets.length; at += step) places.push({ write, at });
    return places;
  });
}
