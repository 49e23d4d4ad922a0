import { reply } from '@mailyard/mail';
import { describe, expect, it } from 'vitest';
import { Dialog, type DialogRules, type Step } from './dialog.ts';

const RULES: DialogRules = {
  hostname: 'mx.example',
  maxMessageOctets: 1000,
  maxRecipients: 3,
  maxErrors: 5,
  offersTls: false,
  authentication: undefined,
  nonce: () => 'server',
};
const ENOUGH = reply(452, '4.5.3', 'Too many recipients for one message');

function beginMail(dialog: Dialog): void {
  const step = dialog.obey('MAIL FROM:<s@origin.example>');
  if (step.kind === 'mail') dialog.mailTaken(step.command);
}

function opened(): Dialog {
  const dialog = new Dialog(RULES);
  dialog.obey('EHLO client.example');
  beginMail(dialog);
  return dialog;
}

const rcpt = (dialog: Dialog): Step => dialog.obey('RCPT TO:<u@x.example>');

describe('recipients in the dialog', () => {
  it('that are more than the handler takes are no fault of the client (R136, RFC 5321 §4.5.3.1.10)', () => {
    const dialog = opened();
    dialog.rcptTaken();
    expect(dialog.rcptRefused(ENOUGH)).toEqual({ kind: 'say', reply: ENOUGH });
    // Nobody is asked any more: what a RCPT leads to may be a thousand.
    for (let more = 0; more < 20; more++)
      expect(rcpt(dialog)).toMatchObject({ kind: 'say', reply: { code: 452, enhancedStatus: '4.5.3' } });
    expect(dialog.obey('DATA')).toEqual({ kind: 'data' });
    dialog.ended();
    beginMail(dialog);
    expect(rcpt(dialog).kind).toBe('rcpt');
  });

  it('that are refused for anything else count as errors', () => {
    const dialog = opened();
    const said = Array.from({ length: 5 }, () => dialog.rcptRefused(reply(452, '4.7.1', 'Too many this hour')).kind);
    expect(said).toEqual(['say', 'say', 'say', 'say', 'end']);
  });

  it('beyond the rules of the listener are answered without asking, and are no errors', () => {
    const dialog = opened();
    for (let taken = 0; taken < 3; taken++) dialog.rcptTaken();
    for (let more = 0; more < 20; more++)
      expect(rcpt(dialog)).toMatchObject({ kind: 'say', reply: { code: 452, enhancedStatus: '4.5.3' } });
  });
});
