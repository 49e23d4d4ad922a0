import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { WaitingForHost } from './waiting-for-host.ts';

it('tells who waits for a host, as a list of pairs would', () => {
  const who = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'delete', 'take'),
    who: fc.constantFrom(...who),
    hosts: fc.subarray(['x', 'y', 'z']),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const real = new WaitingForHost<{ name: string }>();
      let pairs: { who: object; host: string }[] = [];
      for (const { kind, who: one, hosts } of steps) {
        if (kind === 'take') {
          const [host = 'x'] = hosts;
          expect(new Set(real.take(host))).toEqual(
            new Set(pairs.filter((pair) => pair.host === host).map((pair) => pair.who)),
          );
          pairs = pairs.filter((pair) => pair.host !== host);
          continue;
        }
        pairs = pairs.filter((pair) => pair.who !== one || !hosts.includes(pair.host));
        if (kind === 'add') {
          real.add(one, hosts);
          for (const host of hosts) pairs.push({ who: one, host });
        } else {
          real.delete(one, hosts);
        }
      }
    }),
  );
});
