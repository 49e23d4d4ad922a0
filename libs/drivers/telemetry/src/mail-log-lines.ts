/**
 * The lines of the mail log in the shape of AsyncOS mail logs (R215), one function a kind of line, without the time.
 * ICID names an injection connection, MID one copy of a message, RID a recipient, DCID a delivery connection.
 */
import type { Reply, ReversePath } from '@mailyard/mail';
import type { RecipientExpansion } from '@mailyard/queue';

export const LINES = {
  injectionOpened: (icid: string, listener: string, address: string, names: readonly string[] | undefined): string =>
    `New SMTP ICID ${icid} interface ${listener} address ${address}${reverseText(names)}`,

  injectionJudged: (icid: string, action: string, group: string, source: string, policy: string): string =>
    `ICID ${icid} ${action} SG ${group} match ${source}${policy === '' ? '' : ` policy ${policy}`}`,

  injectionRefused: (listener: string, address: string, reason: string): string =>
    `Connection refused interface ${listener} address ${address} reason ${reason}`,

  injectionTls: (icid: string, protocol: string, cipher: string): string =>
    `ICID ${icid} TLS success protocol ${protocol} cipher ${cipher}`,

  injectionAuthentication: (icid: string, result: string, user: string, mechanism: string): string =>
    `SMTP Auth: (ICID ${icid}) ${result} for user: ${user} using AUTH mechanism: ${mechanism}`,

  injectionClosed: (icid: string): string => `ICID ${icid} close`,

  senderRefused: (icid: string, reversePath: string, reply: Reply): string =>
    `ICID ${icid} From: <${reversePath}> Rejected ${replyTuple(reply)}`,

  recipientRefused: (icid: string, forwardPath: string, reply: Reply): string =>
    `ICID ${icid} To: <${forwardPath}> Rejected ${replyTuple(reply)}`,

  contentRefused: (icid: string, reply: Reply): string => `ICID ${icid} Receiving Failed: ${replyTuple(reply)}`,

  messageStarted: (mid: string, icid: string): string => `Start MID ${mid} ICID ${icid}`,

  sender: (mid: string, icid: string, reversePath: ReversePath): string =>
    `MID ${mid} ICID ${icid} From: <${reversePath ?? ''}>`,

  recipient: (mid: string, icid: string, rid: number, forwardPath: string): string =>
    `MID ${mid} ICID ${icid} RID ${rid} To: <${forwardPath}>`,

  headerMessageId: (mid: string, headerMessageId: string): string => `MID ${mid} Message-ID '${headerMessageId}'`,

  signed: (mid: string, profile: string, author: string): string =>
    `MID ${mid} DKIM: signing with ${profile} - matches ${author}`,

  messageReady: (mid: string, sizeOctets: number, reversePath: ReversePath): string =>
    `MID ${mid} ready ${sizeOctets} bytes from <${reversePath ?? ''}>`,

  policyMatched: (mid: string, policy: string, table: string): string =>
    `MID ${mid} matched all recipients for per-recipient policy ${policy} in the ${table} table`,

  messageSplit: (parent: string, mid: string, policy: string, table: string): string =>
    `MID ${parent} was split creating MID ${mid} due to a per-recipient policy ${policy} in the ${table} table`,

  droppedByPolicy: (mid: string, policy: string): string => `Message aborted MID ${mid} Dropped by policy ${policy}`,

  rewritten: (mid: string, { received, mapped, alias, version, recipients }: RecipientExpansion): string => {
    const rows = [
      ...(mapped === undefined ? [] : [`domain map ${mapped}`]),
      ...(alias === undefined ? [] : [`alias ${alias}`]),
    ];
    return `MID ${mid} RID [${recipients.join(', ')}] rewritten from <${received}> by ${rows.join(', ')} version ${version}`;
  },

  connectionOpened: (dcid: string, host: string, address: string, port: number, local: string | undefined): string =>
    `New SMTP DCID ${dcid}${local === undefined ? '' : ` interface ${local}`} address ${address} port ${port} host ${host}`,

  connectionTls: (dcid: string, protocol: string, cipher: string, certificate: string): string =>
    `DCID ${dcid} TLS success protocol ${protocol} cipher ${cipher} certificate ${certificate}`,

  mtaSts: (
    domain: string,
    session: { host: string; mode: string } | undefined,
    result: string,
    reason: string,
  ): string =>
    `MTA-STS domain ${domain}${session === undefined ? '' : ` host ${session.host} mode ${session.mode}`} result ${result}: ${reason}`,

  connectionFailed: (host: string, address: string, port: number, stage: string, reason: string): string =>
    `Connection Error: DCID 0 host: ${host} IP: ${address} port: ${port} details: ${stage}: ${reason}`,

  connectionClosed: (dcid: string): string => `DCID ${dcid} close`,

  deliveryStarted: (dcid: string, mid: string, rids: readonly number[]): string =>
    `Delivery start DCID ${dcid} MID ${mid} to RID [${rids.join(', ')}]`,

  delivered: (dcid: string, mid: string, rids: readonly number[]): string =>
    `Message done DCID ${dcid} MID ${mid} to RID [${rids.join(', ')}]`,

  possiblyDelivered: (dcid: string, mid: string, rids: readonly number[]): string =>
    `Possible Delivery DCID ${dcid} MID ${mid} to RID [${rids.join(', ')}]`,

  response: (mid: string, rids: readonly number[], reply: Reply): string =>
    `MID ${mid} RID [${rids.join(', ')}] Response '${replyText(reply)}'`,

  delayed: (dcid: string, mid: string, rid: number, why: string, reply: Reply | undefined): string =>
    `Delayed: DCID ${dcid} MID ${mid} to RID ${rid} - ${statusOf(reply, '4.0.0')} - ${why} ${replyTuple(reply)} []`,

  bounced: (dcid: string, mid: string, rid: number, status: string, why: string, reply: Reply | undefined): string =>
    `Bounced: DCID ${dcid} MID ${mid} to RID ${rid} - ${statusOf(reply, status)} - ${why} ${replyTuple(reply)} []`,

  expired: (mid: string, rid: number, reply: Reply | undefined): string =>
    `Bounced: DCID 0 MID ${mid} to RID ${rid} - 5.4.7 - Delivery expired (message too old) ${replyTuple(reply)} []`,

  reported: (mid: string, rid: number, report: string): string =>
    `MID ${report}-1 was generated for bounce of MID ${mid} RID ${rid}`,

  dropped: (mid: string, rid: number, reason: string): string => `MID ${mid} RID [${rid}] Dropped by ${reason}`,

  removed: (mid: string, rid: number, author: string, reason: string): string =>
    `MID ${mid} RID [${rid}] Removed by ${author} reason ${reason}`,

  messageFinished: (mid: string): string => `Message finished MID ${mid} done`,

  claimed: (partition: number, term: number): string => `Partition ${partition} claimed term ${term}`,

  lost: (partition: number, reason: string): string => `Partition ${partition} lost reason ${reason}`,

  alarm: (name: string, detail: string): string => `Alarm ${name}: ${detail}`,
} as const;

/** Nothing where nobody asked; a name that does not lead back to the client is none. */
function reverseText(names: readonly string[] | undefined): string {
  if (names === undefined) return '';
  return names.length === 0
    ? ' reverse dns host unknown verified no'
    : ` reverse dns host ${names.join(' ')} verified yes`;
}

/** `('550', ['5.1.1 no such user'])`, the way these logs quote what the far side said. `('000', [])` is nothing. */
function replyTuple(reply: Reply | undefined): string {
  if (reply === undefined) return "('000', [])";
  return `('${reply.code}', ['${replyText(reply)}'])`;
}

function replyText(reply: Reply): string {
  const text = reply.text.includes('\n') ? reply.text.replaceAll('\n', "', '") : reply.text;
  return reply.enhancedStatus === undefined ? text : `${reply.enhancedStatus} ${text}`;
}

function statusOf(reply: Reply | undefined, otherwise: string): string {
  return reply?.enhancedStatus ?? otherwise;
}
