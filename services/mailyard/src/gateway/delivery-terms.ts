import type { DeliveryControls, DeliveryControlSource } from '@mailyard/configuration';
import { DELIVERY_DEFAULTS, type DeliverySettings, termsOfSettings } from '@mailyard/delivery';
import { type DeliveryTerms, type DeliveryTermsSource, DeliveryTermsTable } from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { Settings } from '@mailyard/settings';

/** What the settings say of bounces, in the units of delivery. */
export function bounceOfSettings({ bounce }: Settings['delivery']): DeliverySettings['bounce'] {
  const { maxRetries, maxAgeSeconds, initialWaitSeconds, maxWaitSeconds, notices, copyOctets } = bounce;
  const { delayWarnings, delayWarningSeconds } = bounce;
  return {
    maxRetries,
    maxAgeMs: maxAgeSeconds * 1000,
    initialWaitMs: initialWaitSeconds * 1000,
    maxWaitMs: maxWaitSeconds * 1000,
    notices,
    copyOctets,
    delayWarnings,
    delayWarningMs: delayWarningSeconds * 1000,
  };
}

/** The terms of all domains: what the configuration says over what the settings say (R140). */
export function termsTable(
  settings: Settings['delivery'],
  { controls, profiles }: DeliveryControls,
): DeliveryTermsTable {
  const base = termsOfSettings({
    ...settings,
    ipPreference: DELIVERY_DEFAULTS.ipPreference,
    bounce: bounceOfSettings(settings),
  });
  return new DeliveryTermsTable(base, controls, profiles);
}

/** The terms of delivery as the configuration has them now. */
export class FollowedTerms implements DeliveryTermsSource {
  #table: DeliveryTermsTable;
  readonly #listeners: (() => void)[] = [];

  constructor(settings: Settings['delivery'], source: DeliveryControlSource) {
    this.#table = termsTable(settings, source.current());
    source.onChange(() => {
      this.#table = termsTable(settings, source.current());
      for (const listener of this.#listeners) listener();
    });
  }

  of(domain: Domain | AddressLiteral): DeliveryTerms {
    return this.#table.of(domain);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
