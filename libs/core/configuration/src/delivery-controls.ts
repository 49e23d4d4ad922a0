import type { BounceProfile, DestinationControl } from './sections.ts';

/** The destination controls and bounce profiles of one version (R140). */
export interface DeliveryControls {
  readonly controls: readonly DestinationControl[];
  readonly profiles: readonly BounceProfile[];
}

/** The destination controls and bounce profiles as they are now. */
export interface DeliveryControlSource {
  current(): DeliveryControls;
  /** Calls back when they say something else. */
  onChange(listener: () => void): void;
}
