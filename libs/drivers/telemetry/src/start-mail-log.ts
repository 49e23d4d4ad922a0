import type { MailEvent } from '@mailyard/queue';
import { LogClock } from './log-clock.ts';
import type { LogSink } from './log-sink.ts';
import { onMailEvent } from './mail-events.ts';
import { MailLogText } from './mail-log.ts';
import { printable, printableJson } from './printable.ts';

/** How long lines of deliveries wait for more of the same transaction. */
const GATHER_MS = 50;

export interface RunningMailLog {
  /** For SIGHUP: opens the file anew. */
  reopen(): void;
  close(): Promise<void>;
}

/**
 * Writes the mail log from now on.
 *
 * @param format `text`: lines in the shape of AsyncOS (R215), times in UTC; `json`: one object an event
 */
export function startMailLog(format: 'text' | 'json', sink: LogSink, now: () => number = Date.now): RunningMailLog {
  return format === 'json' ? startJson(sink, now) : startText(sink, now);
}

function startText(sink: LogSink, now: () => number): RunningMailLog {
  const clock = new LogClock();
  const text = new MailLogText((level, line) => sink.write(`${clock.text(now())} ${level}: ${printable(line)}`));
  let gathering: NodeJS.Timeout | undefined;
  const end = (): void => {
    gathering = undefined;
    text.end();
  };
  const stop = onMailEvent((event) => {
    text.event(event);
    if (event.kind === 'outcome') gathering ??= setTimeout(end, GATHER_MS).unref();
  });
  // Comes before the sink's own, which was registered earlier, has run: so what is held back is not lost.
  process.prependListener('exit', end);
  return {
    reopen: () => sink.reopen(),
    close: () => {
      stop();
      clearTimeout(gathering);
      process.off('exit', end);
      text.end();
      return sink.close();
    },
  };
}

function startJson(sink: LogSink, now: () => number): RunningMailLog {
  const stop = onMailEvent((event) => sink.write(printableJson(jsonOf(event, now()))));
  return {
    reopen: () => sink.reopen(),
    close: () => {
      stop();
      return sink.close();
    },
  };
}

function jsonOf(event: MailEvent, now: number): object {
  return { time: new Date(now).toISOString(), ...event };
}
