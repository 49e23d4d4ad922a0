import { parseArgs } from 'node:util';
import { UserFile } from '@mailyard/admin';
import { SHORTEST_PASSWORD, USER_NAME } from '@mailyard/credentials';
import { type Role, ROLES } from '@mailyard/grpc';
import { readHiddenLine } from '../hidden-line.ts';
import { type Command, type CommandIo, EXIT, isTyped } from '../io.ts';
import { readStartOptions } from '../start-options.ts';

const USAGE = `usage: mailyard user list [--json]
       mailyard user set NAME [--role reader|operator|administrator]
       mailyard user remove NAME

  Who may sign in to the web page: --config FILE or --data DIR says whose. The file (http.users, else users.json in the
  data folder) may be changed while the gateway runs; whoever is removed or gets another password is signed out.

  set   asks for the password, twice; without a terminal it is the first line of standard input. A new user is an
        administrator unless --role says otherwise; one that is there keeps the role.
`;

/** `mailyard user`: the users of the web page. Works on their file, whether a gateway runs or not. */
export const run: Command = async (args, io) => {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return misused(io, error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help === true) {
    io.stdout.write(USAGE);
    return EXIT.done;
  }
  const [verb, name, ...rest] = positionals;
  if (rest.length > 0) return misused(io, `one name at a time, not ${JSON.stringify(rest[0])} too`);
  const role = ROLES.find((one) => one === values.role);
  if (values.role !== undefined && role === undefined)
    return misused(io, `--role takes ${ROLES.join(', ')}, not ${JSON.stringify(values.role)}`);
  const options = readStartOptions(
    [
      ...(values.config === undefined ? [] : ['--config', values.config]),
      ...(values.data === undefined ? [] : ['--data', values.data]),
    ],
    io.env,
  );
  if (options.kind === 'faulty') {
    for (const { place, problem } of options.faults) io.stderr.write(`${place}: ${problem}\n`);
    return EXIT.settings;
  }
  if (options.kind !== 'ready') return misused(io, 'see mailyard user --help');
  const { usersFileOf } = await import('../gateway/http-role.ts');
  const users = new UserFile(usersFileOf(options.settings));
  try {
    if (verb === 'list' && name === undefined) return await list(users, values.json === true, io);
    if (name === undefined || !USER_NAME.test(name))
      return misused(io, 'say list, or set or remove and a name: letters, digits and . _ @ -, at most 64');
    if (verb === 'set') return await set(users, name, role, io);
    if (verb === 'remove') return await remove(users, name, io);
    return misused(io, `there is no user ${JSON.stringify(verb)}: list, set or remove`);
  } catch (error) {
    io.stderr.write(`mailyard user: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.refused;
  }
};

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      data: { type: 'string' },
      role: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

async function list(users: UserFile, isJson: boolean, io: CommandIo): Promise<number> {
  const all = [...(await users.users()).values()].map(({ name, role }) => ({ name, role }));
  if (isJson) io.stdout.write(`${JSON.stringify(all)}\n`);
  else for (const { name, role } of all) io.stdout.write(`${name}  ${role}\n`);
  if (all.length === 0) io.stderr.write('nobody can sign in\n');
  return EXIT.done;
}

async function set(users: UserFile, name: string, role: Role | undefined, io: CommandIo): Promise<number> {
  const known = (await users.users()).get(name);
  const password = await readHiddenLine(io, `Password of ${name}, ${SHORTEST_PASSWORD} characters at least: `);
  if (password.length < SHORTEST_PASSWORD) {
    io.stderr.write(`mailyard user: a password has ${SHORTEST_PASSWORD} characters at least\n`);
    return EXIT.refused;
  }
  if (isTyped(io) && (await readHiddenLine(io, 'Again: ')) !== password) {
    io.stderr.write('mailyard user: the two are not the same\n');
    return EXIT.refused;
  }
  await users.set(name, role ?? known?.role ?? 'administrator', password);
  io.stderr.write(`${name} can sign in as ${role ?? known?.role ?? 'administrator'}\n`);
  return EXIT.done;
}

async function remove(users: UserFile, name: string, io: CommandIo): Promise<number> {
  if (await users.remove(name)) return EXIT.done;
  io.stderr.write(`mailyard user: there is no ${JSON.stringify(name)}\n`);
  return EXIT.refused;
}

function misused(io: CommandIo, problem: string): number {
  io.stderr.write(`mailyard user: ${problem}\n`);
  return EXIT.misused;
}
