import { eventJson } from '@mailyard/contracts';
import { EXIT } from './io.ts';
import { findDelivery } from './past-delivery.ts';
import { explainText } from './route-text.ts';
import { readTime, readVersion } from './route-version.ts';
import { Misuse, type ServerCall } from './server-command.ts';
import { traceText } from './trace-text.ts';

type Call = ServerCall<{
  readonly at?: string;
  readonly version?: string;
  readonly message?: string;
  readonly recipient?: string;
}>;

/** `mailyard smtproutes test`: why the mail of an address goes where it goes, or why a delivery went where it went (R40). */
export async function testRoute(call: Call, words: readonly string[]): Promise<number> {
  const { client, values, print } = call;
  if (values.message !== undefined) return testDelivery(call, values.message, words);
  const [recipient, ...rest] = words;
  if (recipient === undefined || rest.length > 0) throw new Misuse('test takes one address or domain');
  if (values.recipient !== undefined) throw new Misuse('--recipient goes with --message');
  if (values.version !== undefined && values.at !== undefined)
    throw new Misuse('test takes --version or --at, not both');
  const version = readVersion(values.version);
  const table =
    version > 0
      ? ({ $case: 'version', value: version } as const)
      : values.at === undefined
        ? undefined
        : ({ $case: 'at', value: readTime(values.at) } as const);
  const { json, text } = explainText(recipient, await client.explain({ recipient, table }));
  print(json, text);
  return EXIT.done;
}

async function testDelivery(
  { client, target, values, print, say }: Call,
  message: string,
  words: readonly string[],
): Promise<number> {
  if (words.length > 0 || values.version !== undefined || values.at !== undefined)
    throw new Misuse('test --message takes its address from the message and its version from the delivery');
  const found = await findDelivery(target, message, values.recipient);
  if (typeof found === 'string') {
    say(found);
    return EXIT.refused;
  }
  const { recipient, version, event } = found;
  const explained = await client.explain({ recipient, table: { $case: 'version', value: version } });
  const { json, text } = explainText(recipient, explained);
  print({ delivery: eventJson(event), explanation: json }, `${traceText([event])}\n${text}`);
  say(`the table is that of version ${version}; hosts, their state and the limits are those of now`);
  return EXIT.done;
}
