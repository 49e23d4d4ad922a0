import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function written(
  format: 'text' | 'json',
  level: 'debug' | 'warn',
  use: (logger: ReturnType<typeof createLogger>) => void,
) {
  let text = '';
  use(createLogger({ format, level, now: () => 0, write: (line) => void (text += line) }));
  return text;
}

describe('service log', () => {
  it('writes one line with what is not plain in quotes, and nothing below its level', () => {
    const text = written('text', 'warn', (logger) => {
      logger.info('HIDDEN');
      logger.with({ partition: 3 }).warn('LOG_AWAY', {
        brokers: ['a:1'],
        detail: 'no one\nthere',
        error: new Error('x', { cause: new Error('y') }),
      });
    });
    expect(text).toBe(
      '1970-01-01T00:00:00.000Z warn LOG_AWAY partition=3 brokers="[\\"a:1\\"]" detail="no one\\nthere" error="x (y)"\n',
    );
  });

  it('writes JSON a line', () => {
    const text = written('json', 'debug', (logger) => logger.error('X', { error: new Error('boom'), n: 1 }));
    expect(JSON.parse(text)).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'error',
      code: 'X',
      error: 'boom',
      n: 1,
    });
  });
});
