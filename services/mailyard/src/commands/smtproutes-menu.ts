/**
 * `mailyard smtproutes` without words: the dialogue in the shape of AsyncOS (R180 to R186). What is done is staged and
 * takes effect at COMMIT; who leaves with changes pending is asked (R188, R204).
 */
import { join } from 'node:path';
import { type changeSetWire, type configurationWire, writeSmtpRoute } from '@mailyard/contracts';
import { CallRefusal } from '@mailyard/grpc';
import { readRouteLine, ROUTE_FILE_LIMITS } from '@mailyard/smtp-routes';
import { authorOf } from '../author.ts';
import { Dialogue } from '../dialogue.ts';
import { readInput } from '../input-file.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { printPaged } from '../pager.ts';
import { keyOfDomain, RouteDraft, routesByKey, type Staged } from '../route-draft.ts';
import { alignRoutes, destinationText, explainText, mappingText } from '../route-text.ts';
import { fileFaultText, readRoutes, replacementText } from '../route-replacement.ts';
import type { ServerCall } from '../server-command.ts';
import { tellFollowing } from '../waiting-text.ts';
import { writeWhole } from '../whole-file.ts';

type Route = changeSetWire.SmtpRoute;

const OPERATIONS = [
  ['NEW', 'Create a new route.'],
  ['EDIT', 'Edit the destinations of an existing route.'],
  ['DELETE', 'Remove a route.'],
  ['PRINT', 'Display all routes.'],
  ['IMPORT', 'Replace all routes by those of a file.'],
  ['EXPORT', 'Write all routes to a file.'],
  ['CLEAR', 'Remove all routes.'],
  ['TEST', 'Tell which route takes an address.'],
  ['COMMIT', 'Make the changes effective.'],
] as const;

const DOMAIN_QUESTION = `Enter the domain for which you want to set up a route.
A partial domain begins with a dot: ".example.com" stands for all domains below it. ALL is the default route.`;

const HOSTS_QUESTION = (domain: string): string => `Enter the destination hosts for ${domain}, separated by commas.
A host may have a port (mail.example.com:2525) and a priority (/pri=10; 0 is the best). Brackets, as in
[mail.example.com], leave out the MX lookup. USEDNS alone sends by DNS, /dev/null alone drops the mail.`;

/** Runs the dialogue. @param directory where IMPORT and EXPORT find their bare file names (R185) */
export async function runMenu(call: Pick<ServerCall<unknown>, 'client' | 'io'>, directory: string): Promise<number> {
  const draft = await RouteDraft.begin(call.client);
  const dialogue = new Dialogue(call.io);
  try {
    return await new Menu(call.client, call.io, dialogue, directory, draft).run();
  } finally {
    dialogue.close();
  }
}

class Menu {
  readonly #client: ServerCall<unknown>['client'];
  readonly #io: CommandIo;
  readonly #dialogue: Dialogue;
  readonly #directory: string;
  #draft: RouteDraft;

  constructor(
    client: ServerCall<unknown>['client'],
    io: CommandIo,
    dialogue: Dialogue,
    directory: string,
    draft: RouteDraft,
  ) {
    this.#client = client;
    this.#io = io;
    this.#dialogue = dialogue;
    this.#directory = directory;
    this.#draft = draft;
  }

  async run(): Promise<number> {
    for (;;) {
      const answer = await this.#dialogue.ask(
        this.#menu(),
        '',
        this.#offered().map(([word]) => word.toLowerCase()),
      );
      if (this.#dialogue.isOver && answer === undefined) return this.#abandon();
      // Ctrl-C leaves as an empty line does; typed again, at the question, it leaves without an answer.
      if (answer === undefined || answer === '') {
        const leaves = await this.#leave();
        if (leaves === undefined) return this.#abandon();
        if (leaves) return EXIT.done;
        continue;
      }
      const operation = this.#offered().find(([word]) => word === answer.toUpperCase());
      try {
        if (operation === undefined)
          this.#dialogue.say(`There is no operation ${JSON.stringify(answer.slice(0, 40))}.`);
        else await this.#do(operation[0]);
      } catch (error) {
        if (!(error instanceof CallRefusal)) throw error;
        this.#tell(error);
      }
    }
  }

  #menu(): string {
    const { count: custom, operations } = this.#draft;
    const count =
      custom === 1 ? 'There is currently 1 route configured.' : `There are currently ${custom} routes configured.`;
    const pending = operations.length === 0 ? '' : `\n${pendingText(operations.length)}`;
    const lines = this.#offered().map(([word, what]) => `- ${word} - ${what}`);
    return `\n${count}${pending}\n\nChoose the operation you want to perform:\n${lines.join('\n')}`;
  }

  #offered(): readonly (typeof OPERATIONS)[number][] {
    const { isEmpty, operations } = this.#draft;
    return OPERATIONS.filter(([word]) => {
      if (word === 'COMMIT') return operations.length > 0;
      return !isEmpty || word === 'NEW' || word === 'IMPORT';
    });
  }

  #do(word: (typeof OPERATIONS)[number][0]): Promise<void> {
    switch (word) {
      case 'NEW':
        return this.#new();
      case 'EDIT':
        return this.#edit();
      case 'DELETE':
        return this.#delete();
      case 'PRINT':
        return printPaged(this.#io, alignRoutes([...this.#draft.listed()]), this.#dialogue);
      case 'IMPORT':
        return this.#import();
      case 'EXPORT':
        return this.#export();
      case 'CLEAR':
        return this.#clear();
      case 'TEST':
        return this.#test();
      case 'COMMIT':
        return this.#commit();
    }
  }

  async #new(): Promise<void> {
    const domain = await this.#dialogue.ask(DOMAIN_QUESTION);
    if (domain === undefined || domain === '') return;
    const existing = this.#draft.find(domain);
    // An empty ALL is no route yet, to a person.
    if (existing !== undefined && (existing.receivingDomain !== 'ALL' || existing.destinations.length > 0)) {
      this.#dialogue.say(`A route for ${existing.receivingDomain} exists already. Use EDIT to change it.`);
      return;
    }
    const hosts = await this.#dialogue.ask(HOSTS_QUESTION(domain));
    if (hosts === undefined || hosts === '') return;
    await this.#put(domain, hosts, existing === undefined);
  }

  async #edit(): Promise<void> {
    const domain = await this.#dialogue.ask(
      'Enter the domain of the route you want to edit. ALL is the default route.',
      '',
      this.#domains(),
    );
    if (domain === undefined || domain === '') return;
    const existing = this.#draft.find(domain);
    if (existing === undefined) {
      this.#dialogue.say(`There is no route for ${domain}.`);
      return;
    }
    const isDefault = existing.receivingDomain === 'ALL';
    const question = `${HOSTS_QUESTION(existing.receivingDomain)}${isDefault ? '\nA single hyphen (-) empties the default route.' : ''}`;
    const hosts = await this.#dialogue.ask(question, destinationText(existing));
    if (hosts === undefined) return;
    if (hosts === destinationText(existing)) {
      this.#dialogue.say(`The route for ${existing.receivingDomain} stays as it is.`);
      return;
    }
    await this.#put(existing.receivingDomain, isDefault && hosts === '-' ? '' : hosts, false);
  }

  async #put(receivingDomain: string, hosts: string, isNew: boolean): Promise<void> {
    const written = readRouteLine(`x ${hosts}`)!;
    const route: Route = { receivingDomain, destinations: [...written.destinations], authProfile: written.authProfile };
    if (this.#told(await this.#draft.put(route, isNew))) this.#dialogue.say(mappingText(route));
  }

  async #delete(): Promise<void> {
    const domain = await this.#dialogue.ask('Enter the domain of the route you want to remove.', '', this.#domains());
    if (domain === undefined || domain === '') return;
    const key = keyOfDomain(domain);
    if (key === 'ALL') this.#dialogue.say('The default route ALL cannot be removed. Use EDIT to empty it.');
    else if (this.#draft.find(key) === undefined) this.#dialogue.say(`There is no route for ${domain}.`);
    else if (this.#told(await this.#draft.remove(key))) this.#dialogue.say(`The route for ${domain} is removed.`);
  }

  async #import(): Promise<void> {
    const name = await this.#fileName('Enter the name of the file to import.');
    if (name === undefined) return;
    const content = await readInput(name, this.#io, ROUTE_FILE_LIMITS.octets).catch((error: Error) => error);
    if (content instanceof Error) {
      this.#dialogue.say(content.message);
      return;
    }
    const read = readRoutes(content);
    if (read.kind === 'faults') {
      const lines = read.faults.map((fault) => `${fileFaultText(fault)}\n`);
      await printPaged(this.#io, lines.join(''), this.#dialogue);
      this.#dialogue.say('Nothing was imported.');
      return;
    }
    const routes = read.routes.map(writeSmtpRoute);
    const question = `${replacementText(this.#draft.routes, routesByKey(routes))}\nDo you want this?`;
    if (await this.#dialogue.confirm(question, 'N'))
      await this.#replace(routes, `${routes.length} routes are imported.`);
  }

  async #clear(): Promise<void> {
    if (
      !(await this.#dialogue.confirm(
        'All routes will be removed and the default route emptied. Do you want this?',
        'N',
      ))
    )
      return;
    await this.#replace([], 'All routes are removed.');
  }

  async #replace(routes: readonly Route[], done: string): Promise<void> {
    if (this.#told(await this.#draft.replace(routes))) this.#dialogue.say(done);
  }

  async #export(): Promise<void> {
    const name = await this.#fileName('Enter the name of the file to write.');
    if (name === undefined) return;
    const lines = Array.from(this.#draft.listed(), (route) =>
      `${route.receivingDomain === 'ALL' ? 'ALL:' : route.receivingDomain} ${destinationText(route)}`.trimEnd(),
    );
    await writeWhole(
      name,
      Buffer.from(`# SMTP routes, exported by Mailyard at ${new Date().toISOString()}\n${lines.join('\n')}\n`),
    );
    this.#dialogue.say(`Written to ${name}.`);
  }

  /** A bare name inside the directory; a path could be anybody's file. */
  async #fileName(question: string): Promise<string | undefined> {
    const name = await this.#dialogue.ask(question);
    if (name === undefined || name === '') return undefined;
    if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(name)) return join(this.#directory, name);
    this.#dialogue.say(
      `A file name here has no path: letters, digits, dots, hyphens and underscores. Files are in ${this.#directory}.`,
    );
    return undefined;
  }

  async #test(): Promise<void> {
    const recipient = await this.#dialogue.ask('Enter an address or a domain.');
    if (recipient === undefined || recipient === '') return;
    const explained = await this.#client.explain({
      recipient,
      table: { $case: 'draft', value: { operations: this.#draft.operations } },
    });
    this.#dialogue.say(explainText(recipient, explained).text);
  }

  /** Tells what the server says of an operation. @returns whether it is staged */
  #told({ faults, warnings }: Staged): boolean {
    for (const { code, token, message } of faults)
      this.#dialogue.say(`${code}: ${token === '' ? '' : `${JSON.stringify(token)} `}${message}`);
    for (const warning of warnings) this.#dialogue.say(`Warning: ${warning}`);
    return faults.length === 0;
  }

  async #commit(): Promise<void> {
    const comment = await this.#dialogue.ask('Enter a comment on what you changed.', 'smtproutes');
    if (comment === undefined) return;
    await this.#commitWith(comment, false);
  }

  async #commitWith(reason: string, confirmDiscardAll: boolean): Promise<void> {
    const request: configurationWire.CommitRequest = {
      id: '',
      expectedVersion: this.#draft.version,
      operations: this.#draft.operations,
      author: authorOf(undefined, this.#io.env),
      reason,
      confirmDiscardAll,
    };
    try {
      const { version } = await this.#client.commit(request);
      this.#dialogue.say(`Changes committed as version ${version}.`);
      await tellFollowing(this.#client, version, (text) => this.#dialogue.say(text));
      this.#draft = await RouteDraft.begin(this.#client);
    } catch (error) {
      if (!(error instanceof CallRefusal) || error.details.reason !== 'CONFIRMATION_REQUIRED') throw error;
      const question = 'ALL /dev/null drops the mail of every domain without a route. Do you want this?';
      if (await this.#dialogue.confirm(question, 'N')) await this.#commitWith(reason, true);
    }
  }

  /** @returns whether to leave */
  async #leave(): Promise<boolean | undefined> {
    const { operations } = this.#draft;
    if (operations.length === 0) return true;
    const question = `${pendingText(operations.length)} Leave without committing?`;
    return this.#dialogue.confirm(question, 'N');
  }

  #domains(): string[] {
    return Array.from(this.#draft.listed(), ({ receivingDomain }) => receivingDomain);
  }

  #abandon(): number {
    const { operations } = this.#draft;
    if (operations.length === 0) return EXIT.done;
    this.#io.stderr.write(`mailyard smtproutes: ${operations.length} uncommitted changes were dropped\n`);
    return EXIT.refused;
  }

  #tell({ message, details }: CallRefusal): void {
    if (details.violations.length === 0) this.#dialogue.say(`${details.reason ?? 'Refused'}: ${message}`);
    for (const { reason, description } of details.violations) this.#dialogue.say(`${reason}: ${description}`);
  }
}

function pendingText(count: number): string {
  return count === 1 ? '1 change is not committed yet.' : `${count} changes are not committed yet.`;
}
