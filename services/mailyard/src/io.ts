/** Where a command reads and writes: results on stdout, messages on stderr. */
export interface CommandIo {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person reads stdout: colour and paging only then. */
  readonly isTerminal: boolean;
}

/** Whether somebody types the input, and could be asked. */
export function isTyped({ stdin }: Pick<CommandIo, 'stdin'>): boolean {
  return 'isTTY' in stdin && stdin.isTTY === true;
}

/** A command of the command line; resolves to its exit status. */
export type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

/** What a command's exit status says (sysexits where it has a word for it). */
export const EXIT = {
  done: 0,
  /** Refused, or it failed. */
  refused: 1,
  /** Wrong words on the command line. */
  misused: 64,
  /** The server did not answer. */
  away: 69,
  /** The settings are wrong. */
  settings: 78,
} as const;
