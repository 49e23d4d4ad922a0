/** Who made an entry what it is, and what the table said at a time (R40), asked as an administrator asks. */
import { expect, it } from 'vitest';
import { inBothModes } from './modes.ts';
import { waitFor } from './wait-for.ts';

interface Explained {
  readonly version: number;
  readonly goesTo: string;
  readonly candidates: readonly {
    readonly receivingDomain: string;
    readonly author: string;
    readonly version: number;
  }[];
}

await inBothModes('the past of the route table', (begin) => {
  it('is told as of a time and of a version, with who last changed each entry and every change of one', async () => {
    await using scenario = await begin();
    const gateway = await scenario.gateway();
    const change = async (...words: string[]): Promise<number> => {
      const { version } = await gateway.json<{ version: number }>('smtproutes', ...words);
      return version;
    };
    const first = await change('new', 'example.com', 'one.example', '--author', 'ann', '--reason', 'the old hosts');
    // A time that lies between the two: the clock's next millisecond is enough.
    const between = Date.now() + 1;
    await waitFor(() => Date.now() > between, 1000);
    const second = await change('edit', 'example.com', 'two.example', '--author', 'ben', '--reason', 'the new hosts');
    await change('new', 'other.example', 'three.example', '--author', 'cat');

    const asked = (...words: string[]) => gateway.json<Explained>('smtproutes', 'test', 'u@x.example.com', ...words);
    expect(await asked()).toMatchObject({
      goesTo: 'two.example',
      candidates: [{ receivingDomain: 'example.com', version: second, author: 'ben' }, { receivingDomain: 'ALL' }],
    });
    for (const past of [
      ['--at', new Date(between).toISOString()],
      ['--version', String(first)],
    ])
      expect(await asked(...past)).toMatchObject({
        version: first,
        goesTo: 'one.example',
        candidates: [{ receivingDomain: 'example.com', version: first, author: 'ann' }, { receivingDomain: 'ALL' }],
      });
    expect(await gateway.command('smtproutes', 'test', 'u@example.com', '--at', '2001-01-01T00:00:00Z')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/no configuration at 2001/),
    });
    const history = await gateway.json<readonly unknown[]>('history', '--route', 'example.com');
    expect(history).toMatchObject([
      { version: second, author: 'ben', reason: 'the new hosts' },
      { version: first, author: 'ann', reason: 'the old hosts' },
    ]);
  });
});
