import { status } from '@grpc/grpc-js';
import { TrackingServiceService, type TrackingServiceServer } from '@mailyard/contracts/tracking';
import { CallRefusal, type GrpcServer } from '@mailyard/grpc';
import { writeLedger } from './queue-wire.ts';
import { noteText } from './tracking/tracking-note.ts';
import type { Tracker } from './tracking/tracker.ts';

export const TRACKING_SERVICE = 'mailyard.tracking.v1.TrackingService';

const TRACE_LIMIT = 20;
const MOST_TRACED = 1_000;
const LONGEST_KEY = 1_000;

/** Registers TrackingService. Answers wait a little for the read model to have what the log has now. */
export function addTrackingService(server: GrpcServer, tracker: Tracker): void {
  const { methods } = server;
  const implementation: TrackingServiceServer = {
    trace: methods.unary('reader', async ({ key, limit }) => {
      demandKey(key);
      await tracker.catchUp();
      const most = limit === 0 ? TRACE_LIMIT : Math.min(limit, MOST_TRACED);
      const { notes, ...traced } = await tracker.ask({ kind: 'trace', key, limit: most });
      return { ...traced, notes: notes.map(noteText) };
    }),

    search: methods.unary('reader', async ({ key, pageSize, pageToken }) => {
      if (key !== undefined) demandKey(key);
      if (pageToken === '') await tracker.catchUp();
      return tracker.ask({ kind: 'search', key, pageSize, pageToken });
    }),

    getLedger: methods.unary('reader', async () => {
      await tracker.catchUp();
      const { sums, since, notes } = await tracker.ask({ kind: 'ledger' });
      return { ledger: writeLedger(sums), since, notes: notes.map(noteText), lag: await tracker.lag() };
    }),
  };
  server.add(TRACKING_SERVICE, TrackingServiceService, implementation);
  server.setServing(TRACKING_SERVICE, true);
}

function demandKey(key: string): void {
  if (key !== '' && key.length <= LONGEST_KEY) return;
  throw new CallRefusal(status.INVALID_ARGUMENT, 'a key is a message id, a MID, a Message-ID or an address', {
    reason: 'KEY_INVALID',
  });
}
