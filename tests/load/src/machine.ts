import { cpus, release, totalmem } from 'node:os';
import { type RecordResult, table } from './results.ts';
import type { MailSystem } from './systems/system.ts';

/** What was measured, on what: machine, versions, and what each system has on disk at its 250. */
export async function machineTable(systems: readonly MailSystem[], record: RecordResult): Promise<string> {
  const processors = cpus();
  const machine = {
    date: new Date().toISOString(),
    processor: `${processors.length} x ${processors[0]?.model ?? 'unknown'}`,
    memory: `${(totalmem() / 1e9).toFixed(0)} GB`,
    kernel: release(),
    node: process.version,
  };
  const rows = Object.entries(machine).map(([name, value]): [string, string] => [name, value]);
  for (const system of systems) {
    const { version, durability } = await system.describe();
    rows.push([system.name, `${version}; durable at the 250: ${durability}`]);
  }
  record({ kind: 'machine', ...Object.fromEntries(rows) });
  return table(['machine', ''], rows);
}
