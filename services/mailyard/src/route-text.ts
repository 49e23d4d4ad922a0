import type { changeSetWire, routingWire } from '@mailyard/contracts';
import { printable } from '@mailyard/telemetry';

type Route = changeSetWire.SmtpRoute;

const STANDINGS = ['unknown', 'up', 'down'] as const;
const VERDICTS = ['', 'winner', 'less specific', 'empty default'] as const;

/** Destinations and profile as a file of routes has them. */
export function destinationText({ destinations, authProfile }: Route): string {
  return `${destinations.join(', ')}${authProfile === undefined ? '' : `/auth=${authProfile}`}`;
}

/** What an entry does, in a sentence. */
export function mappingText(route: Route): string {
  const { receivingDomain } = route;
  const subject = receivingDomain === 'ALL' ? 'Mail for all other domains' : `Mail for ${receivingDomain}`;
  switch (destinationText(route)) {
    case '':
    case 'USEDNS':
      return `${subject} will go to the mail exchangers of its domain (DNS).`;
    case '/dev/null':
      return `${subject} will be dropped.`;
    default:
      return `${subject} will go to ${destinationText(route)}.`;
  }
}

/** One line an entry, aligned, the default last (R6, R184). */
export function alignRoutes(routes: readonly Route[]): string {
  // One very long name is no reason to push all others to the right.
  const width = Math.min(48, Math.max(0, ...routes.map(({ receivingDomain }) => receivingDomain.length)));
  const lines = routes.map((route) => {
    const domain = route.receivingDomain === 'ALL' ? 'ALL:' : route.receivingDomain;
    return `${domain.padEnd(width)}  ${destinationText(route)}`.trimEnd();
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** Where a decision sends, in a few words. */
export function decisionText(decision: routingWire.RouteDecision | undefined): string {
  const target = decision?.target;
  if (target === undefined) return 'unknown';
  if (target.$case === 'useDns') return 'the mail exchangers of the domain (DNS)';
  if (target.$case === 'discard') return '/dev/null: the mail is dropped';
  const hosts = target.value.hosts.map(hostText).join(', ');
  return target.value.authProfile === undefined
    ? hosts
    : `${hosts} with the authentication profile ${target.value.authProfile}`;
}

function hostText({ lookup, host, port, priority }: routingWire.DestinationHost): string {
  const place = lookup === 2 || (host.includes(':') && port !== 25) ? `[${host}]` : host;
  return `${place}${port === 25 ? '' : `:${port}`}${priority === 0 ? '' : `/pri=${priority}`}`;
}

/** An explanation as JSON and as text (R40). */
export function explainText(
  recipient: string,
  explained: routingWire.ExplainResponse,
): { json: unknown; text: string } {
  const { version, mode, domain, decision, candidates, hosts, limits, mtaStsPolicy, rewriting, unsubscribed } =
    explained;
  const json = {
    recipient,
    ...(rewriting === undefined ? {} : { rewriting: plainRewriting(rewriting) }),
    ...(unsubscribed === undefined
      ? {}
      : { unsubscribed: { recipient: unsubscribed.recipient, action: unsubscribed.action === 1 ? 'drop' : 'bounce' } }),
    domain,
    version,
    mode: mode === 2 ? 'dotted' : 'covering',
    matched: decision?.matched,
    goesTo: decisionText(decision),
    target: decision?.target === undefined ? undefined : { kind: decision.target.$case, ...decision.target.value },
    candidates: candidates.map(({ route, verdict, why, changedBy }) => ({
      receivingDomain: route?.receivingDomain,
      destinations: route?.destinations,
      authProfile: route?.authProfile,
      verdict: VERDICTS[verdict],
      why,
      ...(changedBy === undefined
        ? {}
        : { version: changedBy.version, author: changedBy.author, at: new Date(changedBy.committedAt).toISOString() }),
    })),
    hosts: hosts.map(({ standing, downUntil, ...host }) => ({
      ...host,
      state: STANDINGS[standing],
      ...(downUntil === 0 ? {} : { downUntil: new Date(downUntil).toISOString() }),
    })),
    limits,
    ...(mtaStsPolicy === undefined ? {} : { mtaStsPolicy: mtaStsJson(mtaStsPolicy) }),
  };
  const lines = [
    ...(rewriting === undefined ? [] : [rewritingText(recipient, rewriting), '']),
    ...(unsubscribed === undefined
      ? []
      : [
          `${recipient} is sent nothing: global unsubscribe ${unsubscribed.recipient} ${unsubscribed.action === 1 ? 'drops' : 'bounces'} its mail; without that:`,
          '',
        ]),
    `${recipient} goes to ${decisionText(decision)}`,
    `  table version ${version}, mode ${json.mode}, looked up as ${domain}`,
    '',
  ];
  const rows = candidates.map(({ route, verdict, changedBy }) => [
    VERDICTS[verdict],
    route!.receivingDomain === 'ALL' ? 'ALL:' : route!.receivingDomain,
    destinationText(route!),
    changedBy === undefined ? '' : `(version ${changedBy.version}, ${changedBy.author})`,
  ]);
  lines.push(...alignColumns(rows));
  if (hosts.length > 0)
    lines.push(
      '',
      'Hosts in the order they are tried:',
      ...alignColumns(
        hosts.map((host) => [
          host.name,
          host.address === '' ? '' : `${host.address}:${host.port}`,
          `priority ${host.priority}`,
          host.problem ?? STANDINGS[host.standing] ?? '',
          host.downUntil === 0 ? '' : `not tried before ${new Date(host.downUntil).toISOString()}`,
        ]),
      ),
    );
  if (limits !== undefined)
    lines.push(
      '',
      `At most ${limits.maxConnections} connections, ${limits.messagesPerConnection} messages each, TLS ${limits.tls}, DANE ${limits.dane}, MTA-STS ${limits.mtaSts}, addresses ${limits.ipPreference};`,
      `${limits.maxRetries} retries within ${limits.maxAgeSeconds} s, ${limits.initialWaitSeconds} to ${limits.maxWaitSeconds} s apart.`,
      ...(limits.maxRecipients === undefined
        ? []
        : [`At most ${limits.maxRecipients} recipients of ${domain} in ${limits.windowMinutes} min.`]),
      ...(limits.bounceVerification ? ['Senders of mail from clients that relay are tagged.'] : []),
      ...(limits.control === '' ? [] : [`So says the row ${limits.control} of the destination controls.`]),
      ...(limits.bounceProfile === '' ? [] : [`Bounce profile: ${limits.bounceProfile}.`]),
    );
  if (mtaStsPolicy !== undefined) lines.push(...mtaStsLines(domain, mtaStsPolicy));
  return { json, text: `${lines.join('\n')}\n` };
}

function mtaStsJson({ mode, mx, holdsUntil, problem }: routingWire.MtaStsPolicy): unknown {
  return problem === '' ? { mode, mx, holdsUntil: new Date(holdsUntil).toISOString() } : { problem };
}

function mtaStsLines(domain: string, { mode, mx, holdsUntil, problem }: routingWire.MtaStsPolicy): string[] {
  if (problem !== '') return [printable(`MTA-STS: ${problem}.`)];
  const until = new Date(holdsUntil).toISOString();
  const hosts = mx.length === 0 ? '' : `; its hosts: ${mx.join(', ')}`;
  return [printable(`MTA-STS policy of ${domain}: ${mode}, until ${until} at least${hosts}.`)];
}

/** Rows as lines with aligned columns, indented by two; nothing in them that a terminal would obey. */
export function alignColumns(texts: readonly (readonly string[])[]): string[] {
  const rows = texts.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows.map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index]!)).join('  ')}`.trimEnd());
}

function plainRewriting({ mapped, alias, recipients, discarded, problem }: routingWire.Rewriting): object {
  return { mapped, alias, recipients, discarded, problem };
}

/** What becomes of an address before routes are asked. */
function rewritingText(
  recipient: string,
  { mapped, alias, recipients, discarded, problem }: routingWire.Rewriting,
): string {
  if (problem !== undefined) return `${recipient} is not taken: its alias ${problem}`;
  const rows = [
    ...(mapped === undefined ? [] : [`domain map ${mapped}`]),
    ...(alias === undefined ? [] : [`alias ${alias}`]),
  ];
  const targets = [...recipients, ...discarded.map((address) => `${address} (dropped)`)];
  const shown = targets.length > 20 ? [...targets.slice(0, 20), `and ${targets.length - 20} more`] : targets;
  return `${recipient} becomes ${shown.join(', ')} on receipt (${rows.join(', ')}); without that:`;
}
