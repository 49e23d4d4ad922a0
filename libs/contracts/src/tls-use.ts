/** What a row of the destination controls says of TLS, between core and wire (R144). */
import type { DestinationControl } from '@mailyard/configuration';
import type * as wire from './gen/mailyard/routing/v1/change_set.ts';

export type TlsUse = NonNullable<DestinationControl['tls']>;

type WireTls = Pick<wire.DestinationControl, 'tls' | 'verifyCertificate'>;

const PLAIN = [undefined, 'none', 'preferred', 'required'] as const;
const VERIFYING = [undefined, undefined, 'preferredVerify', 'requiredVerify'] as const;

/** In rising order of protection. */
export const TLS_USES = ['none', 'preferred', 'preferredVerify', 'required', 'requiredVerify'] as const;

export function writeTlsUse(use: TlsUse | undefined): WireTls {
  const verifyCertificate = use === 'preferredVerify' || use === 'requiredVerify';
  return { tls: (verifyCertificate ? VERIFYING : PLAIN).lastIndexOf(use as never) as wire.TlsUse, verifyCertificate };
}

/** @returns undefined where the row says nothing of it, `unknown` where it says what is not known here */
export function readTlsUse({ tls, verifyCertificate }: WireTls): TlsUse | 'unknown' | undefined {
  if (tls === 0 && !verifyCertificate) return undefined;
  return (verifyCertificate ? VERIFYING : PLAIN)[tls] ?? 'unknown';
}

/** The number of each on the wire is its place, from 1. */
export const DANE_USES = ['none', 'opportunistic', 'mandatory'] as const;

export function writeDaneUse(use: DestinationControl['dane']): Pick<wire.DestinationControl, 'dane'> {
  return { dane: (use === undefined ? 0 : DANE_USES.indexOf(use) + 1) as wire.DaneUse };
}

/** @returns undefined where the row says nothing of it, `unknown` where it says what is not known here */
export function readDaneUse({
  dane,
}: Pick<wire.DestinationControl, 'dane'>): (typeof DANE_USES)[number] | 'unknown' | undefined {
  return dane === 0 ? undefined : (DANE_USES[dane - 1] ?? 'unknown');
}

/** The number of each on the wire is its place, from 1. */
export const MTA_STS_USES = ['none', 'testing', 'enforce'] as const;

export function writeMtaStsUse(use: DestinationControl['mtaSts']): Pick<wire.DestinationControl, 'mtaSts'> {
  return { mtaSts: (use === undefined ? 0 : MTA_STS_USES.indexOf(use) + 1) as wire.MtaStsUse };
}

/** @returns undefined where the row says nothing of it, `unknown` where it says what is not known here */
export function readMtaStsUse({
  mtaSts,
}: Pick<wire.DestinationControl, 'mtaSts'>): (typeof MTA_STS_USES)[number] | 'unknown' | undefined {
  return mtaSts === 0 ? undefined : (MTA_STS_USES[mtaSts - 1] ?? 'unknown');
}
