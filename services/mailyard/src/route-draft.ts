import type { changeSetWire } from '@mailyard/contracts';
import { readReceivingDomain } from '@mailyard/smtp-routes';
import type { ServerCall } from './server-command.ts';

type Route = changeSetWire.SmtpRoute;
type Client = ServerCall<unknown>['client'];

/** What the server says of an operation; it is staged when there is no fault. */
export interface Staged {
  readonly faults: readonly changeSetWire.Fault[];
  readonly warnings: readonly string[];
}

/** The route table as it would be with what one person has staged on a version of it (R188). */
export class RouteDraft {
  readonly version: number;
  readonly #client: Client;
  /** By the key that the server compares, ALL among them. */
  #routes: Map<string, Route>;
  #operations: changeSetWire.Operation[] = [];

  private constructor(client: Client, version: number, routes: readonly Route[]) {
    this.#client = client;
    this.version = version;
    this.#routes = routesByKey(routes);
  }

  /** Of the newest version, with nothing staged. */
  static async begin(client: Client): Promise<RouteDraft> {
    const { version, routes } = await client.table();
    return new RouteDraft(client, version, routes);
  }

  get operations(): changeSetWire.Operation[] {
    return [...this.#operations];
  }

  get routes(): ReadonlyMap<string, Route> {
    return this.#routes;
  }

  /** Without ALL. */
  get count(): number {
    return this.#routes.size - 1;
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.#routes.get('ALL')!.destinations.length === 0;
  }

  find(domain: string): Route | undefined {
    return this.#routes.get(keyOfDomain(domain));
  }

  /** In the order of the table, ALL last. */
  *listed(): Iterable<Route> {
    for (const [key, route] of this.#routes) if (key !== 'ALL') yield route;
    yield this.#routes.get('ALL')!;
  }

  async put(route: Route, isNew: boolean): Promise<Staged> {
    const value: changeSetWire.SetItem = {
      item: { item: { $case: 'route', value: route } },
      expectation: isNew ? 1 : 2,
    };
    return this.#stage({ operation: { $case: 'set', value } }, () =>
      this.#routes.set(keyOfDomain(route.receivingDomain), route),
    );
  }

  async remove(key: string): Promise<Staged> {
    const operation: changeSetWire.Operation = { operation: { $case: 'remove', value: { section: 1, key } } };
    return this.#stage(operation, () => this.#routes.delete(key));
  }

  async replace(routes: readonly Route[]): Promise<Staged> {
    const items = routes.map((value): changeSetWire.Item => ({ item: { $case: 'route', value } }));
    return this.#stage({ operation: { $case: 'replace', value: { section: 1, items } } }, () => {
      this.#routes = routesByKey(routes);
    });
  }

  /** Takes an operation if the server finds no fault in it together with what is staged. */
  async #stage(operation: changeSetWire.Operation, take: () => unknown): Promise<Staged> {
    const operations = [...this.#operations, operation];
    const { faults, warnings } = await this.#client.validate({ operations });
    if (faults.length === 0) {
      this.#operations = operations;
      take();
    }
    return { faults, warnings };
  }
}

/** Routes by the key that the server compares, an empty ALL where there is none. */
export function routesByKey(routes: readonly Route[]): Map<string, Route> {
  const map = new Map(routes.map((route) => [keyOfDomain(route.receivingDomain), route]));
  if (!map.has('ALL')) map.set('ALL', { receivingDomain: 'ALL', destinations: [], authProfile: undefined });
  return map;
}

export function keyOfDomain(domain: string): string {
  const read = readReceivingDomain(domain);
  return 'code' in read ? domain : read.receivingDomain;
}
