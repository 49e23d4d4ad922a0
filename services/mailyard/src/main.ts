/** `mailyard`: finds the command's module, runs it, ends with its exit status. */
import { enableCompileCache } from 'node:module';
import { COMMANDS } from './commands.ts';
import { EXIT } from './io.ts';
import { version } from './version.ts';

// The second start need not strip types and compile again.
enableCompileCache();

function usage(): string {
  const width = Math.max(...[...COMMANDS.keys()].map((name) => name.length));
  const lines = [...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `usage: mailyard COMMAND [WORDS]\n\n${lines.join('\n')}\n\n'mailyard help COMMAND' tells more; 'mailyard --version' prints the version.\n`;
}

async function main(words: readonly string[]): Promise<number> {
  // `help COMMAND` is `COMMAND --help`.
  const [name, ...rest] = words[0] === 'help' && words[1] !== undefined ? [words[1], '--help'] : words;
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

const words = process.argv.slice(2);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Mail goes on while nobody can read what a gateway says of it: the disk of its log may be full, and have room again.
  if (words[0] === 'start') return;
  // A reader that went away (`mailyard queue list | head`) is no fault of ours.
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  process.stderr.write(`mailyard: the result cannot be written: ${error.message}\n`);
  process.exit(EXIT.refused);
});
// There is nowhere left to say it.
process.stderr.on('error', () => undefined);

process.exitCode = await main(words);

// The work is done. A connection that a library forgot to close must not keep the process; what is still being written may
// take a moment, and a process that ends by itself never comes here.
setTimeout(() => process.exit(), 1000).unref();
