import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { CallRefusal, writeRefusal } from './refusal.ts';

it('a refusal that repeats what was sent fits into the trailers, whatever was sent', () => {
  const { details, metadata } = writeRefusal(
    new CallRefusal(status.INVALID_ARGUMENT, `"${'x'.repeat(120_000)}" is no domain`, { reason: 'DOMAIN_INVALID' }),
  );
  expect(details).toMatch(/^"x{999}…$/);
  expect((metadata.get('grpc-status-details-bin')[0] as Buffer).length).toBeLessThan(2_000);
});
