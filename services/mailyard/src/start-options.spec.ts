import { describe, expect, it } from 'vitest';
import { readStartOptions } from './start-options.ts';

describe('the command line of start', () => {
  it('overrides settings and keeps every --accept', () => {
    const options = readStartOptions(
      [
        '--smtp',
        '127.0.0.1:25',
        '--accept',
        'a.example=h1.example,h2.example:26',
        '--accept',
        '.b.example=h3.example',
        '--roles',
        'ingress,routing,admin',
      ],
      {},
    );
    if (options.kind !== 'ready') throw new Error(JSON.stringify(options));
    expect(options.settings.listeners[0]).toMatchObject({ name: 'public', address: '127.0.0.1:25' });
    expect(options.settings.roles).toEqual(['ingress', 'routing', 'admin']);
    expect(options.accept).toEqual([
      { domain: 'a.example', destinations: ['h1.example', 'h2.example:26'] },
      { domain: '.b.example', destinations: ['h3.example'] },
    ]);
  });

  it.each([
    [['--smpt', 'x'], /smpt/],
    [['--smtp', 'nowhere'], /HOST:PORT/],
    [['--accept', 'a.example'], /DOMAIN=DEST/],
    [['--accept', '=h'], /DOMAIN=DEST/],
    [['stray'], /stray/],
    [['--smtp', '127.0.0.1:25', '--smtp', '127.0.0.1:26'], /--smtp is given twice/],
    [['--config', 'a.yaml', '--config', 'b.yaml'], /--config is given twice/],
    [['--config', ''], /--config has nothing in it/],
    [['--accept='], /--accept has nothing in it/],
    [['--data', '', '--dns', ''], /--data has nothing in it/],
  ])('refuses %j', (args, problem) => {
    expect(readStartOptions(args, {})).toEqual({ kind: 'misused', problem: expect.stringMatching(problem) });
  });

  it('passes on what is wrong in the settings', () => {
    expect(readStartOptions(['--roles', 'delivery'], {})).toMatchObject({
      kind: 'faulty',
      faults: [{ place: 'roles' }],
    });
    expect(readStartOptions(['--roles', 'postman'], {})).toMatchObject({ kind: 'faulty' });
  });
});
