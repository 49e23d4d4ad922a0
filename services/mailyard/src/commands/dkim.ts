import { generateKeyPairSync } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { writeFile } from 'node:fs/promises';
import { checkDkimProfile, type DkimProfile } from '@mailyard/configuration';
import { readDkimProfile } from '@mailyard/contracts';
import { keyRecordName, keyRecordText, masterFileLine, publicKeyIn } from '@mailyard/dkim';
import { EXPECTED_BITS, parseSigningKey, readSigningKey, type SigningKey } from '@mailyard/dkim-signer';
import { printable } from '@mailyard/telemetry';
import { type CommandIo, type Command, EXIT } from '../io.ts';
import { alignColumns } from '../route-text.ts';
import { Misuse, runServerCommand, type ServerCall } from '../server-command.ts';

export const USAGE = `usage: mailyard dkim list
       mailyard dkim record NAME
       mailyard dkim test [NAME] [--resolver HOST:PORT]
       mailyard dkim keygen FILE [--type rsa|ed25519] [--bits N] [--domain DOMAIN --selector SELECTOR]

  list     the signing profiles of the configuration (dkimProfiles): name, domain, selector, authors, key
  record   the TXT record to publish for a profile, made of its key as this machine has it
  test     whether this machine can use the keys of the profiles, and whether the DNS has their records
  keygen   makes a private key; FILE must not be there yet. With a domain and a selector it prints the record too

  --type TYPE          rsa (2048 bits, or --bits) or ed25519
  --resolver HOST:PORT whom to ask in place of the system's resolvers
`;

const OPTIONS = {
  type: { type: 'string' },
  bits: { type: 'string' },
  domain: { type: 'string' },
  selector: { type: 'string' },
  resolver: { type: 'string' },
} as const;

interface Values {
  readonly type?: string;
  readonly bits?: string;
  readonly domain?: string;
  readonly selector?: string;
  readonly resolver?: string;
}

/** `mailyard dkim`: what an administrator of the DNS needs of the signing profiles. */
export const run: Command = (args, io) =>
  runServerCommand('dkim', USAGE, OPTIONS, args, io, (call) => {
    const [verb, name, ...rest] = call.words;
    if (rest.length > 0) throw new Misuse(`one name at a time, not ${JSON.stringify(rest[0])} too`);
    if (verb === 'list' && name === undefined) return list(call);
    if (verb === 'record' && name !== undefined) return record(call, name);
    if (verb === 'test') return test(call, name);
    if (verb === 'keygen' && name !== undefined) return keygen(call, name);
    throw new Misuse('say list, record NAME, test or keygen FILE');
  });

async function profilesOf({ client }: ServerCall<Values>, name?: string): Promise<readonly DkimProfile[]> {
  const { dkimProfiles } = await client.getAccess();
  const profiles = dkimProfiles.flatMap((profile) => readDkimProfile(profile) ?? []);
  if (name === undefined) return profiles;
  const found = profiles.filter((profile) => profile.name === name);
  if (found.length === 0) throw new Error(`there is no signing profile ${JSON.stringify(name)}`);
  return found;
}

async function list(call: ServerCall<Values>): Promise<number> {
  const profiles = await profilesOf(call);
  const rows = profiles.map(({ name, domain, selector, senders = [`@${domain}`], key }) => [
    name,
    domain,
    selector,
    senders.join(' '),
    key.kind === 'file' ? `file ${key.file}` : `variable ${key.variable}`,
  ]);
  call.print(profiles, rows.length === 0 ? '' : `${alignColumns(rows).map(printable).join('\n')}\n`);
  if (rows.length === 0) call.say('nobody signs: there are no dkimProfiles in the configuration');
  return EXIT.done;
}

async function record(call: ServerCall<Values>, name: string): Promise<number> {
  const [profile] = await profilesOf(call, name);
  const key = await readSigningKey(profile!.key, call.io.env);
  tellShort(call, key);
  call.print(...recordOf(profile!, key));
  return EXIT.done;
}

/** For programs, and as a line of a master file. */
function recordOf(place: { readonly domain: string; readonly selector: string }, key: SigningKey): [unknown, string] {
  const name = keyRecordName(place);
  const text = keyRecordText(key.algorithm, key.publicKey);
  return [{ name, type: 'TXT', text }, `${masterFileLine(name, text)}\n`];
}

function tellShort({ say }: ServerCall<Values>, { algorithm, bits }: SigningKey): void {
  if (algorithm === 'rsa-sha256' && bits < EXPECTED_BITS)
    say(`the key is RSA of ${bits} bits; ${EXPECTED_BITS} is what is expected of it`);
}

interface Finding {
  readonly profile: string;
  readonly record: string;
  readonly algorithm?: string;
  readonly bits?: number;
  /** What is wrong; absent where the profile signs what others can verify. */
  readonly problem?: string;
}

async function test(call: ServerCall<Values>, name: string | undefined): Promise<number> {
  const profiles = await profilesOf(call, name);
  const resolver = new Resolver();
  if (call.values.resolver !== undefined) resolver.setServers([call.values.resolver]);
  const findings = await Promise.all(profiles.map((profile) => judge(profile, resolver, call.io)));
  const rows = findings.map(({ profile, record: place, algorithm, bits, problem }) => [
    profile,
    place,
    algorithm === undefined ? '-' : `${algorithm}, ${bits} bits`,
    problem ?? 'published',
  ]);
  call.print(findings, rows.length === 0 ? '' : `${alignColumns(rows).map(printable).join('\n')}\n`);
  return findings.some(({ problem }) => problem !== undefined) ? EXIT.refused : EXIT.done;
}

async function judge(profile: DkimProfile, resolver: Resolver, io: CommandIo): Promise<Finding> {
  const said = { profile: profile.name, record: keyRecordName(profile) };
  let key: SigningKey;
  try {
    key = await readSigningKey(profile.key, io.env);
  } catch (error) {
    return { ...said, problem: error instanceof Error ? error.message : String(error) };
  }
  const problem = await publishedProblem(said.record, key, resolver);
  return { ...said, algorithm: key.algorithm, bits: key.bits, ...(problem === undefined ? {} : { problem }) };
}

async function publishedProblem(name: string, key: SigningKey, resolver: Resolver): Promise<string | undefined> {
  let texts: string[];
  try {
    texts = (await resolver.resolveTxt(name)).map((strings) => strings.join(''));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOTFOUND' || code === 'ENODATA';
    return isMissing ? 'the DNS has no record there' : `the DNS does not answer (${code ?? String(error)})`;
  }
  const keys = texts.flatMap((text) => publicKeyIn(text) ?? []);
  if (keys.length > 1) return 'the DNS has several keys there';
  if (keys[0] === key.publicKey) return undefined;
  if (keys[0] === '') return 'the DNS says that the key is revoked';
  return keys.length === 0 ? 'what the DNS has there is no key' : 'the DNS has another key there';
}

async function keygen(call: ServerCall<Values>, file: string): Promise<number> {
  const { type = 'rsa', bits = '2048', domain, selector } = call.values;
  if (type !== 'rsa' && type !== 'ed25519') throw new Misuse(`--type is rsa or ed25519, not ${JSON.stringify(type)}`);
  if (type === 'rsa' && !/^(?:1024|2048|3072|4096)$/.test(bits))
    throw new Misuse(`--bits is 1024, 2048, 3072 or 4096, not ${JSON.stringify(bits)}`);
  if ((domain === undefined) !== (selector === undefined)) throw new Misuse('--domain and --selector belong together');
  if (domain !== undefined)
    checkDkimProfile({ name: '', domain, selector: selector!, key: { kind: 'file', file } }, (token, message) => {
      throw new Misuse(`${JSON.stringify(token)} ${message}`);
    });
  const { privateKey } =
    type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: Number(bits) });
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  // What is there may be in use, and its record published.
  await writeFile(file, pem, { mode: 0o600, flag: 'wx' });
  call.say(`${file} is a private key: readable by its owner, to be read by those who sign`);
  const key = parseSigningKey(pem);
  tellShort(call, key);
  if (domain !== undefined) call.print(...recordOf({ domain, selector: selector! }, key));
  return EXIT.done;
}
