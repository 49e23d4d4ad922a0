/** A member of the group, and what it had before. */
export interface GroupMember {
  readonly id: string;
  readonly held: readonly number[];
  /** When it was last dealt something: of two that say to hold one partition the later is right. */
  readonly since: number;
}

/**
 * Deals partitions among members: each gets as many as any other or one more, and keeps what it had as far as that
 * allows. The answer does not depend on the order of the members.
 */
export function dealPartitions(
  partitions: readonly number[],
  members: readonly GroupMember[],
): ReadonlyMap<string, readonly number[]> {
  const holders = currentHolders(partitions, members);
  const heldBy = Map.groupBy(
    partitions.filter((partition) => holders.has(partition)),
    (partition) => holders.get(partition)!,
  );
  const count = (id: string): number => heldBy.get(id)?.length ?? 0;
  // Those with the most come first: they keep one more where the share is uneven.
  const ids = members.map(({ id }) => id).sort((a, b) => count(b) - count(a) || (a < b ? -1 : 1));
  const share = Math.floor(partitions.length / Math.max(1, ids.length));
  const larger = partitions.length - share * ids.length;
  const dealt = new Map(
    ids.map((id, at) => [id, { quota: share + (at < larger ? 1 : 0), list: [] as number[] }] as const),
  );
  const free: number[] = [];
  for (const partition of partitions) {
    const holder = dealt.get(holders.get(partition) ?? '');
    if (holder !== undefined && holder.list.length < holder.quota) holder.list.push(partition);
    else free.push(partition);
  }
  for (const { quota, list } of dealt.values()) while (list.length < quota) list.push(free.shift()!);
  return new Map([...dealt].map(([id, { list }]) => [id, list.sort((a, b) => a - b)]));
}

function currentHolders(partitions: readonly number[], members: readonly GroupMember[]): ReadonlyMap<number, string> {
  const known = new Set(partitions);
  const holders = new Map<number, GroupMember>();
  for (const member of members)
    for (const partition of member.held) {
      const other = holders.get(partition);
      const later =
        other === undefined || member.since > other.since || (member.since === other.since && member.id < other.id);
      if (known.has(partition) && later) holders.set(partition, member);
    }
  return new Map([...holders].map(([partition, { id }]) => [partition, id]));
}
