import {
  type BounceProfileRow,
  type ControlRow,
  DEFAULT_BOUNCE_PROFILE,
  type DeliveryTerms,
  type DeliveryTermsSource,
  DeliveryTermsTable,
} from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import { DELIVERY_DEFAULTS, termsOfSettings } from './settings.ts';

const BASE = termsOfSettings({ ...DELIVERY_DEFAULTS, bounce: DEFAULT_BOUNCE_PROFILE });

/** Destination controls that a test sets. */
export class Controls implements DeliveryTermsSource {
  #table: DeliveryTermsTable;
  readonly #listeners: (() => void)[] = [];

  constructor(controls: readonly ControlRow[] = [], profiles: readonly BounceProfileRow[] = []) {
    this.#table = new DeliveryTermsTable(BASE, controls, profiles);
  }

  of(domain: string): DeliveryTerms {
    return this.#table.of(domain as Domain);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  set(controls: readonly ControlRow[], profiles: readonly BounceProfileRow[] = []): void {
    this.#table = new DeliveryTermsTable(BASE, controls, profiles);
    for (const listener of this.#listeners) listener();
  }
}
