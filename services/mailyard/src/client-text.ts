/** What commands say of a client, and are told of it. */
import type { FlowLimits } from '@mailyard/access';
import { type Domain, parseDomain } from '@mailyard/mail';
import { Misuse } from './options.ts';

/** The limits of a mail flow policy, one a text: `maxRecipients 20`. */
export function limitTexts(limits: FlowLimits): string[] {
  return Object.entries(limits).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
}

/** @throws Misuse */
export function readHostName(text: string): Domain {
  const domain = parseDomain(text);
  if (domain === undefined) throw new Misuse(`${JSON.stringify(text)} is no host name`);
  return domain;
}
