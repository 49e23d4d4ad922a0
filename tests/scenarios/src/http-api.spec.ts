/** The HTTP API of a distributed gateway: what delivery in another process holds is shown, retried and tracked. */
import { describeWith } from '@mailyard/testkit/services/require-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Deployment, type Neighbours, routingAt, startNeighbours } from './distributed.ts';
import type { Gateway } from './gateway.ts';
import { freePort, message, Scenario } from './scenario.ts';
import { waitFor } from './wait-for.ts';

interface Signed {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
}

/** Makes the first administrator with the code that was printed. */
async function signIn(gateway: Gateway): Promise<Signed> {
  const origin = `http://${gateway.address('http')}`;
  await waitFor(() => gateway.output.includes('enter the code'));
  const code = /enter the code ([A-Z0-9-]+)/.exec(gateway.output)![1]!;
  const json = { 'content-type': 'application/json' };
  const made = await fetch(`${origin}/api/v1/first-administrator`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ code, name: 'ada', password: 'correct horse battery' }),
  });
  expect(made.status).toBe(201);
  const cookie = made.headers.get('set-cookie')!.split(';', 1)[0]!;
  const { csrfToken } = (await made.json()) as { csrfToken: string };
  const read = async <T>(answer: Response): Promise<T> => {
    if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  return {
    get: async (path) => read(await fetch(`${origin}/api/v1${path}`, { headers: { cookie } })),
    post: async (path, body) =>
      read(
        await fetch(`${origin}/api/v1${path}`, {
          method: 'POST',
          headers: { ...json, cookie, origin, 'x-csrf-token': csrfToken },
          body: JSON.stringify(body),
        }),
      ),
  };
}

interface Page {
  readonly destinations: readonly { readonly destination: string; readonly waiting: number; readonly state: string }[];
  readonly silentOwners: readonly string[];
}

await describeWith(['kafka', 'redis', 's3'], 'the HTTP API, distributed', () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await startNeighbours(1);
  });
  afterAll(() => neighbours?.stop());

  it('sets up, shows what a worker elsewhere holds, retries it, moves it by a commit and tells its history', async () => {
    await using scenario = await Scenario.begin();
    const deployment = await Deployment.begin(scenario, neighbours);
    const sink = await scenario.sink();
    const dead = `127.0.0.1:${await freePort()}`;
    const admin = await deployment.start('ingress,routing,admin');
    await deployment.start('delivery', [], routingAt(admin.address('grpc')));
    const api = await signIn(admin);
    const rows = [{ domain: 'example.com', destinations: [dead] }];
    const { version } = await api.post<{ version: number }>('/setup/check', { rows });
    await api.post('/setup', { rows, version });

    await scenario.client(admin).sendMail(message(['a@example.com', 'b@example.com']));
    let page: Page | undefined;
    await waitFor(
      async () => {
        page = await api.get<Page>('/destinations');
        return page.destinations[0]?.state === 'down';
      },
      60_000,
      () => JSON.stringify(page),
    );
    expect(page).toMatchObject({ silentOwners: [], destinations: [{ destination: dead, waiting: 2 }] });
    const scope = { kind: 'destination', destination: dead };
    const listed = await api.get<{ recipients: unknown[] }>(`/recipients?destination=${encodeURIComponent(dead)}`);
    expect(listed.recipients).toHaveLength(2);
    expect(await api.post('/retry', { scope, dryRun: true })).toEqual({ recipients: 2, silentOwners: [] });
    expect(await api.post('/retry', { scope, reason: 'test' })).toEqual({ recipients: 2, silentOwners: [] });

    const route = { receivingDomain: 'example.com', destinations: [`127.0.0.1:${sink.port}`] };
    const staged = await api.post('/pending/edits', { edits: [{ kind: 'set', expect: 'present', route }] });
    expect(staged).toMatchObject({ waiting: { moved: 2 } });
    await api.post('/pending/commit', { comment: 'repaired' });
    await waitFor(() => sink.accepted === 1, 60_000);
    await waitFor(async () => {
      const { ledger } = await api.get<{ ledger?: { delivered: number } }>('/overview');
      return ledger?.delivered === 2;
    }, 60_000);
  });
});
