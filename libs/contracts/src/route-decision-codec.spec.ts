import type { RouteDecision, RouteTarget } from '@mailyard/smtp-routes';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LookupBatchResponse, LookupResponse } from './gen/mailyard/routing/v1/routing.ts';
import { encodeDecisions, readDecision, writeDecision } from './route-decision-codec.ts';

const host = fc.record({
  lookup: fc.constantFrom('mx', 'name', 'address'),
  host: fc.string({ unit: fc.constantFrom('a', '.', '-', ':'), maxLength: 60 }),
  port: fc.integer({ min: 1, max: 65_535 }),
  priority: fc.integer({ min: 0, max: 65_535 }),
});
const target = fc.oneof(
  fc.constant({ kind: 'usedns' }),
  fc.constant({ kind: 'null' }),
  fc.record({ kind: fc.constant('hosts'), hosts: fc.array(host, { minLength: 1, maxLength: 4 }) }),
  fc.record({
    kind: fc.constant('hosts'),
    hosts: fc.array(host, { minLength: 1, maxLength: 4 }),
    authProfile: fc.constant('edge'),
  }),
) as fc.Arbitrary<RouteTarget>;
const decision: fc.Arbitrary<RouteDecision> = fc.record({
  version: fc.nat(),
  matched: fc.string({ maxLength: 300 }),
  target,
  since: fc.nat(),
});

describe('an answer to a lookup', () => {
  it('is read as it was written, alone and in a batch, by hand and as generated', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(decision, { nil: undefined }), { maxLength: 20 }),
        fc.nat(),
        (answers, version) => {
          const sent = answers.map((answer) => (answer === undefined ? undefined : { ...answer, version }));
          const { decisions } = LookupBatchResponse.decode(encodeDecisions(sent, version));
          expect(decisions.map(readDecision)).toEqual(sent);
          for (const one of sent) {
            if (one === undefined) continue;
            expect(readDecision(LookupResponse.decode(encodeDecisions([one], version)).decision)).toEqual(one);
            expect(readDecision(writeDecision(one))).toEqual(one);
          }
        },
      ),
    );
  });
});
