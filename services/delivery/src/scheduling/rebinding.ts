import { type DeliveryTerms, destinationKey, isOtherSchedule } from '@mailyard/delivery-rules';
import type { AddressLiteral, Domain } from '@mailyard/mail';
import type { Binding } from '../destinations/binding.ts';
import type { WorkerContext } from '../context.ts';
import type { Destination } from '../destinations/destination.ts';
import type { Destinations } from '../destinations/destinations.ts';
import type { Parcel } from '../destinations/parcel.ts';
import type { WaitingRoom } from './waiting-room.ts';

/**
 * Has waiting mail follow the route table, destination controls, bounce profiles and credentials: what a change
 * concerns is due now and goes by what they say now (I11); what is being sent ends as it began.
 */
export class Rebinding {
  readonly #context: WorkerContext;
  readonly #room: WaitingRoom;
  readonly #destinations: Destinations;

  /** Listens for changes from now on. */
  constructor(context: WorkerContext, room: WaitingRoom, destinations: Destinations) {
    this.#context = context;
    this.#room = room;
    this.#destinations = destinations;
    context.routes.onChange((_version, concerns) => this.#routesChanged(concerns));
    context.terms.onChange(() => this.#termsChanged());
    context.suspension?.onChange((concerns) => {
      const { bindings } = room;
      this.#bindAnew(new Set([...bindings].filter((one) => concerns(one.domain, bindings.keyOf(one)))));
    });
    context.credentials?.onChange((profiles) => this.#profilesChanged(profiles));
  }

  /** A lookup that took its time has bound a domain: what waited for that goes on. */
  bound(binding: Binding): void {
    const { oldestRouteVersion } = binding;
    const { domains, wakeUp } = this.#room;
    if (oldestRouteVersion !== undefined && binding.since > oldestRouteVersion) domains.release(binding.number);
    binding.oldestRouteVersion = undefined;
    domains.letGo(binding.number);
    wakeUp.soon();
  }

  #routesChanged(concerns: (domain: Domain | AddressLiteral) => boolean): void {
    const concerned = new Set<Binding>();
    for (const binding of this.#room.bindings) if (concerns(binding.domain)) concerned.add(binding);
    this.#bindAnew(concerned);
  }

  #bindAnew(concerned: ReadonlySet<Binding>): void {
    const { domains, bindings, wakeUp } = this.#room;
    const destinations = new Set<Destination>();
    for (const binding of concerned) {
      if (binding.destination !== undefined && binding.destination.readyCount > 0)
        destinations.add(binding.destination);
    }
    for (const destination of destinations)
      for (const parcel of destination.extract((candidate) => this.#leadsTo(candidate, concerned)))
        parcel.partition.putBack(parcel, parcel.sends);
    for (const binding of concerned) {
      bindings.unbind(binding);
      binding.isMoving = true;
      domains.release(binding.number);
      domains.letGo(binding.number);
    }
    wakeUp.soon();
  }

  #leadsTo({ partition, message: id, sends }: Parcel, concerned: ReadonlySet<Binding>): boolean {
    const message = partition.owner.state.messages.get(id);
    if (message === undefined) return true;
    return sends.some(({ recipients }) =>
      recipients.some((rid) => {
        const recipient = message.recipients.get(rid);
        return (
          recipient !== undefined &&
          concerned.has(this.#room.bindings.ofPath(recipient.forwardPath, message.envelope.gateway))
        );
      }),
    );
  }

  /** A domain to which another row applies goes elsewhere; what waits under another schedule is looked at now. */
  #termsChanged(): void {
    const { terms, settings } = this.#context;
    const concerned = new Set<Binding>();
    const before = new Map<Destination, DeliveryTerms>();
    for (const binding of this.#room.bindings) {
      const { destination, domain, gateway } = binding;
      if (destination === undefined) {
        this.#room.bindings.forgetKey(binding);
        continue;
      }
      const now = terms.of(domain);
      if (destinationKey(destination.target, domain, settings.batchBy, now, gateway) !== destination.key) {
        concerned.add(binding);
        continue;
      }
      if (!before.has(destination)) before.set(destination, destination.terms);
      destination.follow(now);
      if (isOtherSchedule(before.get(destination)!, now)) this.#room.domains.release(binding.number);
    }
    this.#bindAnew(concerned);
  }

  #profilesChanged(profiles: ReadonlySet<string>): void {
    for (const destination of this.#destinations.values()) {
      const { authProfile } = destination;
      if (authProfile === undefined || !profiles.has(authProfile)) continue;
      destination.credentialsChanged();
      this.#room.retryNow(destination.bindings, false);
    }
  }
}
