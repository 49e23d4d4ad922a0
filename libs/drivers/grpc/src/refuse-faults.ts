import { status } from '@grpc/grpc-js';
import type { ConfigurationFault } from '@mailyard/configuration';
import { CallRefusal } from './refusal.ts';

/** INVALID_ARGUMENT with a violation for each fault of operations; there is one at least. */
export function refuseFaults(faults: readonly ConfigurationFault[]): CallRefusal {
  const violations = faults.map(({ field, code, token, message, line }) => {
    const place = line === undefined ? '' : `line ${line}: `;
    return { field, reason: code, description: `${place}${token === '' ? '' : `${JSON.stringify(token)} `}${message}` };
  });
  const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`;
  return new CallRefusal(status.INVALID_ARGUMENT, `${violations[0]!.description}${more}`, { violations });
}
