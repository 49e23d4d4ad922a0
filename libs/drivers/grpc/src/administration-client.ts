import type { Client } from '@grpc/grpc-js';
import { configurationWire as admin, routingWire as routing } from '@mailyard/contracts';
import { Channels, type GrpcTarget } from './channels.ts';
import { collectStream, openStream } from './stream-call.ts';
import { callUnary, rethrowRefusal, type UnaryMethod } from './unary-call.ts';

const { RoutingServiceService: Routing } = routing;
const { ConfigurationServiceService: Configuration } = admin;

const PIECE_OCTETS = 256 * 1024;
/** Of listing and looking; a commit may take as long as its log needs. */
const DEADLINE_MS = 15_000;
const COMMIT_DEADLINE_MS = 60_000;

/**
 * What the command line and the pages ask of mailyard.routing.v1. Every method throws a `CallRefusal` when the call is
 * refused or nobody answers.
 */
export class AdministrationClient {
  readonly #routing: Channels<routing.RoutingServiceClient>;
  readonly #configuration: Channels<admin.ConfigurationServiceClient>;

  constructor(target: GrpcTarget) {
    this.#routing = new Channels<routing.RoutingServiceClient>(routing.RoutingServiceClient, target);
    this.#configuration = new Channels<admin.ConfigurationServiceClient>(admin.ConfigurationServiceClient, target);
  }

  explain(request: routing.ExplainRequest): Promise<routing.ExplainResponse> {
    return call(this.#routing, Routing.explain, request);
  }

  getRoute(request: routing.GetRouteRequest): Promise<routing.GetRouteResponse> {
    return call(this.#routing, Routing.getRoute, request);
  }

  listRoutes(request: routing.ListRoutesRequest): Promise<routing.ListRoutesResponse> {
    return call(this.#routing, Routing.listRoutes, request);
  }

  getAccess(): Promise<routing.GetAccessResponse> {
    return call(this.#routing, Routing.getAccess, { minVersion: 0, withoutRewriting: false });
  }

  validate(request: admin.ValidateRequest): Promise<admin.ValidateResponse> {
    return call(this.#configuration, Configuration.validate, request);
  }

  preview(request: admin.PreviewRequest): Promise<admin.PreviewResponse> {
    return call(this.#configuration, Configuration.preview, request);
  }

  /** How the waiting mail follows a version, until all of it does or `patienceMs` have passed. */
  followWaitingMail(version: number, patienceMs: number): AsyncIterable<admin.FollowWaitingMailResponse> {
    return openStream(this.#configuration, Configuration.followWaitingMail, { version }, patienceMs);
  }

  commit(request: admin.CommitRequest): Promise<admin.CommitResponse> {
    return call(this.#configuration, Configuration.commit, request, COMMIT_DEADLINE_MS);
  }

  history(request: admin.HistoryRequest): Promise<admin.HistoryResponse> {
    return call(this.#configuration, Configuration.history, request);
  }

  diff(request: admin.DiffRequest): Promise<admin.DiffResponse> {
    return call(this.#configuration, Configuration.diff, request);
  }

  rollback(request: admin.RollbackRequest): Promise<admin.RollbackResponse> {
    return call(this.#configuration, Configuration.rollback, request, COMMIT_DEADLINE_MS);
  }

  verify(): Promise<admin.VerifyResponse> {
    return call(this.#configuration, Configuration.verify, {}, COMMIT_DEADLINE_MS);
  }

  /** The table of a version (0 = the newest), in order, the default last. */
  async table(
    version = 0,
  ): Promise<Omit<routing.GetTableResponse, 'routes'> & { readonly routes: routing.GetTableResponse['routes'] }> {
    const pieces = await collectStream(this.#routing, Routing.getTable, { version }, COMMIT_DEADLINE_MS);
    return { ...pieces[0]!, routes: pieces.flatMap(({ routes }) => routes) };
  }

  /** The routes of a version as a file. */
  async exportRoutes(version = 0): Promise<Buffer> {
    const pieces = await collectStream(this.#configuration, Configuration.export, { version }, COMMIT_DEADLINE_MS);
    return Buffer.concat(pieces.map(({ content }) => content));
  }

  /** Replaces all routes by those of a file. */
  importRoutes(header: admin.ImportHeader, content: Uint8Array): Promise<admin.ImportResponse> {
    return this.#configuration
      .call(
        (client) =>
          new Promise<admin.ImportResponse>((resolve, reject) => {
            const stream = client.import(
              this.#configuration.metadata,
              { deadline: Date.now() + COMMIT_DEADLINE_MS },
              (error, answer) => {
                if (error === null) resolve(answer);
                else reject(error);
              },
            );
            stream.write({ part: { $case: 'header', value: header } });
            for (let start = 0; start < content.length; start += PIECE_OCTETS) {
              stream.write({
                part: { $case: 'content', value: Buffer.from(content.subarray(start, start + PIECE_OCTETS)) },
              });
            }
            stream.end();
          }),
      )
      .catch(rethrowRefusal);
  }

  close(): void {
    this.#routing.close();
    this.#configuration.close();
  }
}

function call<C extends Client, Q, A>(
  channels: Channels<C>,
  method: UnaryMethod<Q, A>,
  request: Q,
  ms = DEADLINE_MS,
): Promise<A> {
  return callUnary(channels, method, request, ms);
}
