import type { DkimProfile } from '@mailyard/configuration';
import type { DkimSigner, ReportSigner } from '@mailyard/dkim';

const HEADER_END = Buffer.from('\r\n\r\n');
const NOTHING = new Uint8Array(0);

/**
 * Signs what this gateway writes itself. A report whose key cannot be had goes out unsigned: it must not be lost, and
 * nobody would be there to be refused.
 *
 * @param profiles those that sign for its author, as they are now
 */
export function reportSigner(signer: DkimSigner, profiles: () => readonly DkimProfile[]): ReportSigner {
  return async (content, at) => {
    const signing = profiles();
    const end = Buffer.from(content.buffer, content.byteOffset, content.length).indexOf(HEADER_END);
    if (signing.length === 0 || end < 0) return NOTHING;
    const message = signer.begin(signing);
    message.body(content.subarray(end + HEADER_END.length));
    return (await message.sign(content.subarray(0, end + 2), at)).fields;
  };
}
