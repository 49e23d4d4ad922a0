/** What an operator is given to watch a gateway with: alerts, a dashboard, and the page that says what to do. */
import { readFileSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const PAGE = read('docs/howto/operate.md');
const RULES = parse(read('deploy/prometheus/mailyard.rules.yaml')) as {
  groups: { rules: { alert?: string; record?: string; expr: string }[] }[];
};
const DASHBOARD = JSON.parse(read('deploy/grafana/mailyard.json')) as {
  panels: { title: string; targets?: { expr: string }[] }[];
};

const rules = RULES.groups.flatMap((group) => group.rules);
const queries = [
  ...rules.map(({ alert, record, expr }) => [alert ?? record!, expr] as const),
  ...DASHBOARD.panels.flatMap(({ title, targets }) => (targets ?? []).map(({ expr }) => [title, expr] as const)),
];

/** The metrics that a query names. @throws when it is not PromQL */
function metricsOf(query: string): string[] {
  const text = query.replaceAll('$__rate_interval', '5m');
  const metrics: string[] = [];
  parser.parse(text).iterate({
    enter: ({ name, type, from, to, node }) => {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${text}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(text.slice(from, to));
    },
  });
  return metrics;
}

function column(heading: string): string[] {
  const section = PAGE.split(/^## /m).find((part) => part.startsWith(heading))!;
  return [...section.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  );
}

describe('what is given to watch a gateway with', () => {
  const known = new Set([...read('docs/reference/metrics.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!));
  known.add('up');

  it.each(queries)('%s asks for metrics that there are', (_title, query) => {
    const metrics = metricsOf(query);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics) expect(known).toContain(metric.replace(/_bucket$/, ''));
  });

  it('refuses what is no PromQL', () => {
    expect(() => metricsOf('sum(rate(mailyard_alarms_total[5m])')).toThrow(/no PromQL/);
  });

  it('has every alert on the page, and no other', () => {
    expect(column('What to watch')).toEqual(rules.flatMap(({ alert }) => alert ?? []));
  });

  it('has every alarm that the source can raise on the page, and no other', () => {
    const files = globSync('{libs,services}/**/src/**/*.ts', {
      cwd: root,
      exclude: (name) => name === 'node_modules' || name === 'dist',
    }).filter((file) => !/\.(spec|suite)\.ts$/.test(file));
    const raised = new Set<string>();
    for (const file of files) {
      const text = read(file);
      for (const [, part] of text.matchAll(/kind: 'alarm',\s*name:([^}]*?),\s*detail/g))
        for (const [, name] of part!.matchAll(/'([a-z]+-[a-z-]+)'/g)) raised.add(name!);
      for (const [, part] of text.matchAll(/#alarm\(([^;]*?),/g))
        for (const [, name] of part!.matchAll(/'([a-z]+-[a-z-]+)'/g)) raised.add(name!);
    }
    const codes = read('services/routing/src/ports.ts').split('export interface RoutingAlarm')[1]!;
    for (const [, code] of codes.matchAll(/\| '([A-Z_]+)'/g)) raised.add(code!.toLowerCase().replaceAll('_', '-'));
    expect(column('When an alarm is raised').toSorted()).toEqual([...raised].toSorted());
  });
});
