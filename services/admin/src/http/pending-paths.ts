import { z } from 'zod';
import type { ApiCall, ApiOperation, Answer } from './api-server.ts';
import { DIFFERENCES_TOLD, writeDifference } from './difference-json.ts';
import type { PendingChanges } from './pending-changes.ts';
import { edit, flag } from './shape.ts';

const FAULTS_TOLD = 10_000;
const aVersion = z.int().min(1);
const EDITS = z.strictObject({ edits: z.array(edit).min(1).max(10_000), seenVersion: z.int().min(0).optional() });
const CHECK = z.strictObject({ edit });
const IMPORT = z.strictObject({
  stage: flag(false),
  format: z.enum(['smtproutes', 'mailertable', 'transport']).default('smtproutes'),
});
const ROLLBACK = z.strictObject({ toVersion: aVersion });
const REBASE = z.strictObject({ version: aVersion });
const COMMIT = z.strictObject({
  comment: z.string().max(1_000),
  id: z
    .string()
    .regex(/^[!-~]{1,64}$/)
    .optional(),
  confirmDiscardAll: z.boolean().optional(),
});

/** What is submitted and not committed. */
export function pendingPaths(pending: PendingChanges): ApiOperation[] {
  const show = async ({ visitor }: ApiCall): Promise<Answer> => ({ json: await pending.show(visitor.name) });
  return [
    {
      method: 'GET',
      path: '/api/v1/pending',
      role: 'reader',
      handle: async (call) => ({ ...(await show(call)), isPolled: true }),
    },
    {
      method: 'GET',
      path: '/api/v1/pending/count',
      role: 'reader',
      handle: async ({ visitor }) => ({ isPolled: true, json: await pending.count(visitor.name) }),
    },
    {
      method: 'DELETE',
      path: '/api/v1/pending',
      role: 'administrator',
      handle: async ({ visitor }) => {
        await pending.abandon(visitor.name);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/pending/edits',
      role: 'administrator',
      body: 'json',
      handle: async (call) => {
        const { edits, seenVersion } = call.json(EDITS);
        await pending.submit(call.visitor.name, edits, seenVersion);
        return show(call);
      },
    },
    {
      method: 'POST',
      path: '/api/v1/pending/check',
      role: 'reader',
      body: 'json',
      handle: async (call) => {
        const { faults, warnings } = await pending.check(call.visitor.name, call.json(CHECK).edit);
        return { json: { faults, warnings } };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/pending/import',
      role: 'administrator',
      body: 'file',
      handle: async (call) => {
        const { stage, format } = call.query(IMPORT);
        const found = await pending.importFile(call.visitor.name, call.file, format, stage);
        const { added, removed, changed, unchanged, faults, warnings, differences } = found;
        return {
          json: {
            ...{ added, removed, changed, unchanged, warnings },
            faults: faults.slice(0, FAULTS_TOLD),
            differences: differences.slice(0, DIFFERENCES_TOLD).map(writeDifference),
          },
        };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/pending/rollback',
      role: 'administrator',
      body: 'json',
      handle: async (call) => {
        await pending.rollBack(call.visitor.name, call.json(ROLLBACK).toVersion);
        return show(call);
      },
    },
    {
      method: 'POST',
      path: '/api/v1/pending/rebase',
      role: 'administrator',
      body: 'json',
      handle: async (call) => {
        await pending.rebase(call.visitor.name, call.json(REBASE).version);
        return show(call);
      },
    },
    {
      method: 'POST',
      path: '/api/v1/pending/commit',
      role: 'administrator',
      body: 'json',
      handle: async (call) => ({ json: await pending.commit(call.visitor.name, call.json(COMMIT)) }),
    },
  ];
}
