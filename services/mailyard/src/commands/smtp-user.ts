import { SmtpUserFile } from '@mailyard/credentials';
import type { Command } from '../io.ts';
import { userCommand } from '../user-command.ts';

const USAGE = `usage: mailyard smtp-user list [--json]
       mailyard smtp-user set NAME
       mailyard smtp-user remove NAME

  Who may authenticate at listeners that take AUTH, and send to anyone then: --config FILE or --data DIR says whose. The
  file (smtp.users, else smtp-users.json in the data folder) may be changed while the gateway runs. Each process that
  takes mail reads its own; it holds no passwords, but must be kept as secret as they are.

  set   asks for the password, twice; without a terminal it is the first line of standard input.
`;

/** `mailyard smtp-user`: the users of SMTP AUTH. */
export const run: Command = userCommand<never, SmtpUserFile>({
  command: 'smtp-user',
  usage: USAGE,
  roles: [],
  nobody: 'nobody can authenticate',
  async open(settings) {
    const { smtpUsersFileOf } = await import('../gateway/listener-plan.ts');
    return new SmtpUserFile(smtpUsersFileOf(settings));
  },
  async list(users) {
    return [...(await users.users()).keys()].map((name) => ({ name }));
  },
  async set(users, name, password) {
    await users.set(name, password);
    return `${name} can authenticate`;
  },
});
