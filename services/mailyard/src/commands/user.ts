import { UserFile } from '@mailyard/admin';
import { type Role, ROLES } from '@mailyard/grpc';
import type { Command } from '../io.ts';
import { userCommand } from '../user-command.ts';

const USAGE = `usage: mailyard user list [--json]
       mailyard user set NAME [--role reader|operator|administrator]
       mailyard user remove NAME

  Who may sign in to the web page: --config FILE or --data DIR says whose. The file (http.users, else users.json in the
  data folder) may be changed while the gateway runs; whoever is removed or gets another password is signed out.

  set   asks for the password, twice; without a terminal it is the first line of standard input. A new user is an
        administrator unless --role says otherwise; one that is there keeps the role.
`;

/** `mailyard user`: the users of the web page. */
export const run: Command = userCommand<Role, UserFile>({
  command: 'user',
  usage: USAGE,
  roles: ROLES,
  nobody: 'nobody can sign in',
  async open(settings) {
    const { usersFileOf } = await import('../gateway/http-role.ts');
    return new UserFile(usersFileOf(settings));
  },
  async list(users) {
    return [...(await users.users()).values()].map(({ name, role }) => ({ name, role }));
  },
  async set(users, name, password, role) {
    const next = role ?? (await users.users()).get(name)?.role ?? 'administrator';
    await users.set(name, next, password);
    return `${name} can sign in as ${next}`;
  },
});
