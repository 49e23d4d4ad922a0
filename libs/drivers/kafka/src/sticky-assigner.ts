import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';
import { dealPartitions, type GroupMember } from './deal-partitions.ts';

const NAME = 'mailyard-sticky';
const VERSION = 1;

/** What this member tells the group of itself whenever it joins. */
export interface Membership {
  held(): readonly number[];
  /** When it was last dealt something, in milliseconds of the epoch; 0 when never. */
  since(): number;
}

/**
 * Deals the partitions of one topic so that they stay where they are; see `deal-partitions.ts`. The one that kafkajs
 * brings deals anew at each change, and every partition that moves is folded again from its start.
 */
export function stickyAssigner(membership: Membership): PartitionAssigner {
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify({ held: membership.held(), since: membership.since() })),
      }),
    }),
    assign: ({ members, topics }) => {
      const topic = topics[0];
      if (topic === undefined) return Promise.resolve([]);
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
      const deal = dealPartitions(
        partitions.sort((a, b) => a - b),
        members.map(({ memberId, memberMetadata }) => ({ id: memberId, ...told(memberMetadata) })),
      );
      return Promise.resolve(
        [...deal].map(([memberId, list]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment: { [topic]: [...list] },
            userData: Buffer.alloc(0),
          }),
        })),
      );
    },
  });
}

/** What a member told; nothing where it cannot be read, as of a version to come. */
function told(metadata: Buffer): Omit<GroupMember, 'id'> {
  try {
    const userData = AssignerProtocol.MemberMetadata.decode(metadata)?.userData;
    const { held, since } = JSON.parse(userData?.toString() ?? '{}') as { held?: unknown; since?: unknown };
    return {
      held: Array.isArray(held) ? held.filter((partition) => Number.isInteger(partition)) : [],
      since: typeof since === 'number' ? since : 0,
    };
  } catch {
    return { held: [], since: 0 };
  }
}
