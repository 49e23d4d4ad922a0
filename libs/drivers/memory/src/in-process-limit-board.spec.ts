import { describeLimitBoard } from '@mailyard/testkit/limit-board.suite';
import { InProcessLimitBoard } from './in-process-limit-board.ts';

describeLimitBoard('in one process', () => {
  let ahead = 0;
  const board = new InProcessLimitBoard(() => performance.now() + ahead);
  return Promise.resolve({
    of: (who) => board.of(who),
    pass: (ms) => {
      ahead += ms;
      return Promise.resolve();
    },
    dispose: () => Promise.resolve(),
  });
});
