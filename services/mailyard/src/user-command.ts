import { dirname } from 'node:path';
import { SHORTEST_PASSWORD, USER_NAME, type UserList } from '@mailyard/credentials';
import type { Settings } from '@mailyard/settings';
import { readHiddenLine } from './hidden-line.ts';
import { type Command, type CommandIo, EXIT, isTyped } from './io.ts';
import { makeFolder } from './make-folder.ts';
import { Misuse, readOptions } from './options.ts';
import { readStartOptions } from './start-options.ts';

/** What sets one file of users apart from another. */
export interface UserKind<Role extends string, Users extends UserList<{ readonly name: string }>> {
  /** As it is typed: `user`. */
  readonly command: string;
  readonly usage: string;
  /** What `--role` takes; none: there is no such option. */
  readonly roles: readonly Role[];
  /** What `list` says when it has nobody to name. */
  readonly nobody: string;
  open(settings: Settings): Promise<Users>;
  /** What `list` shows of all: fields of `--json`, else words of a line. */
  list(users: Users): Promise<readonly Readonly<Record<string, string>>[]>;
  /** @returns what was done, in words */
  set(users: Users, name: string, password: string, role: Role | undefined): Promise<string>;
}

/** A command that lists, sets and removes users in a file, whether a gateway runs or not. */
export function userCommand<Role extends string, Users extends UserList<{ readonly name: string }>>(
  kind: UserKind<Role, Users>,
): Command {
  return async (args, io) => {
    let parsed: ReturnType<typeof parse>;
    try {
      parsed = parse(args, kind.roles.length > 0);
    } catch (error) {
      if (!(error instanceof Misuse)) throw error;
      return misused(io, kind.command, error.message);
    }
    const { values, words: positionals } = parsed;
    if (values['help'] === true) {
      io.stdout.write(kind.usage);
      return EXIT.done;
    }
    const [verb, name, ...rest] = positionals;
    if (rest.length > 0) return misused(io, kind.command, `one name at a time, not ${JSON.stringify(rest[0])} too`);
    const role = kind.roles.find((one) => one === values['role']);
    if (values['role'] !== undefined && verb !== 'set') return misused(io, kind.command, '--role goes with set');
    if (values['role'] !== undefined && role === undefined)
      return misused(io, kind.command, `--role takes ${kind.roles.join(', ')}, not ${JSON.stringify(values['role'])}`);
    const words = ['config', 'data'].flatMap((key) => {
      const value = values[key];
      return typeof value === 'string' ? [`--${key}`, value] : [];
    });
    const options = readStartOptions(words, io.env);
    if (options.kind === 'faulty') {
      for (const { place, problem } of options.faults) io.stderr.write(`${place}: ${problem}\n`);
      return EXIT.settings;
    }
    if (options.kind !== 'ready') return misused(io, kind.command, `see mailyard ${kind.command} --help`);
    try {
      const users = await kind.open(options.settings);
      if (verb === 'list' && name === undefined) return await list(kind, users, values['json'] === true, io);
      if (name === undefined || !USER_NAME.test(name))
        return misused(
          io,
          kind.command,
          'say list, or set or remove and a name: letters, digits and . _ @ -, at most 64',
        );
      if (verb === 'set') return await set(kind, users, name, role, io);
      if (verb === 'remove') return await remove(kind, users, name, io);
      return misused(io, kind.command, `there is no ${kind.command} ${JSON.stringify(verb)}: list, set or remove`);
    } catch (error) {
      io.stderr.write(`mailyard ${kind.command}: ${error instanceof Error ? error.message : String(error)}\n`);
      return EXIT.refused;
    }
  };
}

interface Parsed {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly words: readonly string[];
}

function parse(args: readonly string[], takesRole: boolean): Parsed {
  const options = {
    config: { type: 'string' },
    data: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  return takesRole ? readOptions({ ...options, role: { type: 'string' } }, args) : readOptions(options, args);
}

async function list<Role extends string, Users extends UserList<{ readonly name: string }>>(
  kind: UserKind<Role, Users>,
  users: Users,
  isJson: boolean,
  io: CommandIo,
): Promise<number> {
  const all = await kind.list(users);
  if (isJson) io.stdout.write(`${JSON.stringify(all)}\n`);
  else for (const user of all) io.stdout.write(`${Object.values(user).join('  ')}\n`);
  if (all.length === 0) io.stderr.write(`${kind.nobody}\n`);
  return EXIT.done;
}

async function set<Role extends string, Users extends UserList<{ readonly name: string }>>(
  kind: UserKind<Role, Users>,
  users: Users,
  name: string,
  role: Role | undefined,
  io: CommandIo,
): Promise<number> {
  const password = await readHiddenLine(io, `Password of ${name}, ${SHORTEST_PASSWORD} characters at least: `);
  if (password.length < SHORTEST_PASSWORD) {
    io.stderr.write(`mailyard ${kind.command}: a password has ${SHORTEST_PASSWORD} characters at least\n`);
    return EXIT.refused;
  }
  if (isTyped(io) && (await readHiddenLine(io, 'Again: ')) !== password) {
    io.stderr.write(`mailyard ${kind.command}: the two are not the same\n`);
    return EXIT.refused;
  }
  makeFolder(dirname(users.file));
  io.stderr.write(`${await kind.set(users, name, password, role)}\n`);
  return EXIT.done;
}

async function remove<Role extends string, Users extends UserList<{ readonly name: string }>>(
  kind: UserKind<Role, Users>,
  users: Users,
  name: string,
  io: CommandIo,
): Promise<number> {
  if (await users.remove(name)) return EXIT.done;
  io.stderr.write(`mailyard ${kind.command}: there is no ${JSON.stringify(name)}\n`);
  return EXIT.refused;
}

function misused(io: CommandIo, command: string, problem: string): number {
  io.stderr.write(`mailyard ${command}: ${problem}\n`);
  return EXIT.misused;
}
