import { readFileSync } from 'node:fs';

/** The descriptor set of all contracts, as gRPC reflection serves it. */
export function readDescriptors(): Buffer {
  return readFileSync(new URL('./gen/descriptors.binpb', import.meta.url));
}
