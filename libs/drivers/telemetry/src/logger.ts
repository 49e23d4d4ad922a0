/** The service log: what the processes say of themselves, on standard error. What happens to mail is the mail log. */
import { printable, printableJson } from './printable.ts';

export type LoggerLevel = 'debug' | 'info' | 'warn' | 'error';

export type LoggerFields = Readonly<Record<string, unknown>>;

/** `code` is one word in capitals for one kind of event, to search for; fields tell the particulars. */
export interface Logger {
  debug(code: string, fields?: LoggerFields): void;
  info(code: string, fields?: LoggerFields): void;
  warn(code: string, fields?: LoggerFields): void;
  error(code: string, fields?: LoggerFields): void;
  /** A logger that adds these fields to each line. */
  with(fields: LoggerFields): Logger;
}

export interface LoggerOptions {
  readonly level: LoggerLevel;
  /** `text`: `time level CODE key=value …`, for people; `json`: one object a line. */
  readonly format: 'text' | 'json';
  readonly write: (line: string) => void;
  readonly now: () => number;
}

const RANK: Readonly<Record<LoggerLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A logger on standard error, until somebody configures another. */
export function createLogger(options: Partial<LoggerOptions> = {}, fields: LoggerFields = {}): Logger {
  const {
    level = 'info',
    format = 'text',
    now = Date.now,
    write = (line) => void process.stderr.write(line),
  } = options;
  const line = (at: LoggerLevel, code: string, more: LoggerFields | undefined): void => {
    if (RANK[at] < RANK[level]) return;
    const time = new Date(now()).toISOString();
    const all = { ...fields, ...more };
    write(`${format === 'json' ? jsonLine(time, at, code, all) : textLine(time, at, code, all)}\n`);
  };
  return {
    debug: (code, more) => line('debug', code, more),
    info: (code, more) => line('info', code, more),
    warn: (code, more) => line('warn', code, more),
    error: (code, more) => line('error', code, more),
    with: (more) => createLogger(options, { ...fields, ...more }),
  };
}

function jsonLine(time: string, level: LoggerLevel, code: string, fields: LoggerFields): string {
  const plain: Record<string, unknown> = { time, level, code };
  for (const [key, value] of Object.entries(fields)) plain[key] = value instanceof Error ? describe(value) : value;
  return printableJson(plain);
}

function textLine(time: string, level: LoggerLevel, code: string, fields: LoggerFields): string {
  let text = `${time} ${level} ${code}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const shown = value instanceof Error ? describe(value) : typeof value === 'string' ? value : JSON.stringify(value);
    text += ` ${key}=${/^[^\s"=]+$/.test(shown) ? shown : JSON.stringify(shown)}`;
  }
  return printable(text);
}

/** What an error says, its code and causes included, without the stack: the place is in the code's name. */
function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  const cause = error.cause instanceof Error ? ` (${describe(error.cause)})` : '';
  return `${code}${error.message}${cause}`;
}
