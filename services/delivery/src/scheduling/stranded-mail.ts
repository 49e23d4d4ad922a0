import type { DestinationFault } from '@mailyard/delivery-rules';
import type { OpenMessage, OpenRecipient } from '@mailyard/queue';
import type { WorkerContext } from '../context.ts';
import type { Destination, DestinationEvents } from '../destinations/destination.ts';
import type { Destinations } from '../destinations/destinations.ts';
import { bounceByDns, endWalk, recordWait } from '../outcomes/endings.ts';
import type { HostFailure } from '../connections/opening.ts';
import type { Parcel } from '../destinations/parcel.ts';
import type { Partition } from '../partitions/partition.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** What becomes of mail whose destination takes none now, and when it goes on. */
export class StrandedMail implements DestinationEvents {
  readonly #context: WorkerContext;
  readonly #room: WaitingRoom;
  readonly #destinations: Destinations;

  constructor(context: WorkerContext, room: WaitingRoom, destinations: Destinations) {
    this.#context = context;
    this.#room = room;
    this.#destinations = destinations;
  }

  putOff({ profile }: Destination, parcels: readonly Parcel[], until: number, failure: HostFailure): void {
    const { bindings, waitLonger } = this.#room;
    this.#each(parcels, (partition, message, recipient, { walk }) => {
      const binding = bindings.ofPath(recipient.forwardPath, message.envelope.gateway);
      const { recipient: rid } = recipient;
      partition.underway.delete(message.id, rid);
      if (walk !== undefined) endWalk(partition, message, recipient, binding.route, walk, profile, waitLonger);
      else if (recipient.lastRouteVersion === 0) recordWait(partition, message, rid, binding.route, until, failure);
      // When that comes up the whole domain is put off, behind what was never tried.
      else this.#room.wait(partition, message, recipient, binding, recipient.dueAt, false);
    });
  }

  bounce(_destination: Destination, parcels: readonly Parcel[], faults: readonly DestinationFault[]): void {
    const { bindings, waitLonger } = this.#room;
    this.#each(parcels, (partition, message, { recipient, forwardPath }) => {
      const { route } = bindings.ofPath(forwardPath, message.envelope.gateway);
      bounceByDns(partition, message, recipient, route, faults, waitLonger);
    });
  }

  exhausted(parcel: Parcel): void {
    const { walk, route } = parcel;
    if (walk === undefined) return;
    const { bindings, waitLonger } = this.#room;
    this.#each([parcel], (partition, message, recipient) => {
      const { bounce } = this.#context.terms.of(
        bindings.ofPath(recipient.forwardPath, message.envelope.gateway).domain,
      );
      endWalk(partition, message, recipient, route, walk, bounce, waitLonger);
    });
  }

  #each(
    parcels: readonly Parcel[],
    act: (partition: Partition, message: OpenMessage, recipient: OpenRecipient, parcel: Parcel) => void,
  ): void {
    for (const parcel of parcels) {
      const { partition, message: id, sends } = parcel;
      const message = partition.owner.state.messages.get(id);
      if (message === undefined || !partition.mayStart) continue;
      for (const { recipients } of sends)
        for (const rid of recipients) {
          const recipient = message.recipients.get(rid);
          if (recipient === undefined) partition.underway.delete(id, rid);
          else act(partition, message, recipient, parcel);
        }
    }
  }

  hasRoom({ held }: Destination): void {
    const { domains, wakeUp } = this.#room;
    for (const binding of held) domains.letGo(binding.number);
    held.clear();
    wakeUp.soon();
  }

  cameBack(destination: Destination): void {
    for (const binding of destination.bindings) this.#room.domains.release(binding.number);
    this.hasRoom(destination);
  }

  blocked(destination: Destination): void {
    this.#destinations.blocked(destination);
  }

  unblocked(destination: Destination): void {
    this.#destinations.unblocked(destination);
  }
}
