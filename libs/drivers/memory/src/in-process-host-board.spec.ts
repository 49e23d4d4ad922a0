import { describeHostBoard } from '@mailyard/testkit/host-board.suite';
import { InProcessHostBoard } from './in-process-host-board.ts';

describeHostBoard('in one process', () => {
  const board = new InProcessHostBoard();
  return Promise.resolve({ one: board.of('one'), other: board.of('other'), dispose: () => Promise.resolve() });
});
