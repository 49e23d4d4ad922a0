import { createHash } from 'node:crypto';
import type { HashFunction } from '@mailyard/configuration';

/** The hash of the chain of change sets: SHA-256 of the octets that the log keeps, in hexadecimal. */
export const hashChangeSet: HashFunction = (octets) => createHash('sha256').update(octets).digest('hex');
