import { expect, it } from 'vitest';
import { suspensionText } from './queue-suspensions.ts';

it('a suspension is one line, whatever was written into it (R211)', () => {
  const suspension = {
    part: 'delivery',
    destination: 'x\u{1B}[2J',
    reason: 'y\nsuspended: all',
    author: 'otto',
  } as const;
  expect(suspensionText(suspension)).toBe('suspended: delivery destination x\\x1b[2J, by otto: y\\x0asuspended: all');
});
