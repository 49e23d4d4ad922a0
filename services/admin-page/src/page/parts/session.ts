import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { PendingCount, Role, Session } from '../api/values.ts';

/** Who is signed in, and what they have submitted and not committed. */
export interface Signed {
  readonly session: Session;
  readonly pending: PendingCount | undefined;
  /** Takes what a call answered, or asks again. */
  readonly setPending: (pending?: PendingCount) => void;
  /** Says something that stays until the next page. */
  readonly say: (message: string) => void;
}

export const SignedContext = createContext<Signed | undefined>(undefined);

export function useSigned(): Signed {
  return useContext(SignedContext)!;
}

const RANKS: Readonly<Record<Role, number>> = { reader: 0, operator: 1, administrator: 2 };

/** Whether the role is enough. The gateway decides; this only hides what it would refuse. */
export function useMay(role: Role): boolean {
  return RANKS[useSigned().session.role] >= RANKS[role];
}
