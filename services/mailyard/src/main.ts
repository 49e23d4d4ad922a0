/** `mailyard`: finds the command's module, runs it, ends with its exit status. */
import { enableCompileCache } from 'node:module';
import { type Command, EXIT } from './io.ts';
import { version } from './version.ts';

// The second start need not strip types and compile again.
enableCompileCache();

/** Each command's module is loaded only when it is asked for: `mailyard check` need not load Kafka. */
const COMMANDS: ReadonlyMap<string, { readonly summary: string; readonly load: () => Promise<{ run: Command }> }> =
  new Map([
    ['start', { summary: 'run the gateway in the foreground', load: () => import('./commands/start.ts') }],
    [
      'smtproutes',
      { summary: 'print, change, import, export and test SMTP routes', load: () => import('./commands/smtproutes.ts') },
    ],
    ['apply', { summary: 'make the configuration what a file says', load: () => import('./commands/apply.ts') }],
    [
      'history',
      { summary: 'who changed the configuration, when and why', load: () => import('./commands/history.ts') },
    ],
    ['diff', { summary: 'what differs between two versions', load: () => import('./commands/diff.ts') }],
    ['rollback', { summary: 'go back to what a version said', load: () => import('./commands/rollback.ts') }],
    [
      'verify',
      { summary: "check the chain of the configuration's history", load: () => import('./commands/verify.ts') },
    ],
    ['check', { summary: 'validate the settings', load: () => import('./commands/check.ts') }],
  ]);

function usage(): string {
  const width = Math.max(...[...COMMANDS.keys()].map((name) => name.length));
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `usage: mailyard COMMAND [WORDS]\n\n${lines.join('\n')}\n\n'mailyard COMMAND --help' tells more; 'mailyard --version' prints the version.\n`;
}

async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words;
  if (name === '--version' || name === 'version') {
    process.stdout.write(`mailyard ${version()} (node ${process.versions.node})\n`);
    return EXIT.done;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage());
    return EXIT.done;
  }
  const command = name === undefined ? undefined : COMMANDS.get(name);
  if (command === undefined) {
    process.stderr.write(
      name === undefined ? usage() : `mailyard: no such command: ${JSON.stringify(name)}\n\n${usage()}`,
    );
    return EXIT.misused;
  }
  const { run } = await command.load();
  const { stdin, stdout, stderr, env } = process;
  return run(rest, { stdin, stdout, stderr, env, isTerminal: stdout.isTTY });
}

// A reader that went away (`mailyard queue list | head`) is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.done);
});

process.exitCode = await main(process.argv.slice(2));
