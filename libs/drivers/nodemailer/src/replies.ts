import { type Reply, receivedReply } from '@mailyard/mail';

const LINE = /^([2-5]\d\d)(?:[ -](.*))?$/;

/**
 * Reads a reply as nodemailer gives it: its lines joined by LF, codes included.
 *
 * @returns undefined when it is none, which nodemailer does not always mind
 */
export function parseReply(response: string | undefined): Reply | undefined {
  const lines = (response ?? '').split('\n').map((line) => LINE.exec(line));
  const code = lines[0]?.[1];
  if (code === undefined || lines.some((line) => line?.[1] !== code)) return undefined;
  return receivedReply(
    Number(code),
    // oxlint-disable-next-line no-control-regex -- what must not reach logs and reports
    lines.map((line) => (line?.[2] ?? '').replace(/[\0-\x08\x0a-\x1f\x7f]/g, '?')),
  );
}
