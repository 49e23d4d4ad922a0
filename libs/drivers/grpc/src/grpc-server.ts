import {
  logVerbosity,
  Server,
  setLogVerbosity,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { readDescriptors } from '@mailyard/contracts';
import { MtaError } from '@mailyard/mail';
import { Gate, type KnownCertificate, type Token } from './caller.ts';
import { Health, HEALTH_SERVICE } from './health.ts';
import { Methods } from './methods.ts';
import { addReflection } from './reflection.ts';

/** Certificates in PEM, already read. */
export interface ServerTls {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** With it a client must show a certificate of this authority. */
  readonly clientAuthority?: Buffer;
}

export interface GrpcServerOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  readonly tls?: ServerTls;
  readonly tokens?: readonly Token[];
  /** Roles of client certificates. */
  readonly certificates?: readonly KnownCertificate[];
  /** Gets what was thrown and callers may not know of. */
  readonly report: (error: unknown) => void;
  /** A stream of which nothing is read for so long is ended; five minutes unless given. */
  readonly unreadMs?: number;
}

/** The largest message that is taken: a change set of a large table. */
const MAX_RECEIVED_OCTETS = 16 * 1024 * 1024;
const MAX_SENT_OCTETS = 64 * 1024 * 1024;

// What the library would print, callers and operators are told of in our words.
setLogVerbosity(logVerbosity.NONE);

/** One gRPC server for all services of a process, with health and reflection. */
export class GrpcServer {
  readonly methods: Methods;
  readonly #server: Server;
  readonly #options: GrpcServerOptions;
  readonly #health = new Health();
  readonly #services: string[] = [];

  /**
   * @throws MtaError `GRPC_TLS_REQUIRED` when it would listen beyond loopback in clear, `GRPC_CALLERS_UNKNOWN` when it
   * would take anyone for an administrator there
   */
  constructor(options: GrpcServerOptions) {
    if (!isLoopback(options.address)) {
      const where = `gRPC on ${options.address} is reachable from elsewhere`;
      if (options.tls === undefined) throw new MtaError('GRPC_TLS_REQUIRED', `${where} and needs grpc.tls`);
      if (options.tls.clientAuthority === undefined && (options.tokens ?? []).length === 0) {
        throw new MtaError('GRPC_CALLERS_UNKNOWN', `${where} and needs grpc.tls.clientAuthority, grpc.tokens or both`);
      }
    }
    this.#options = options;
    this.methods = new Methods(new Gate(options.tokens ?? [], options.certificates), options.report, options.unreadMs);
    this.#server = new Server({
      'grpc.max_receive_message_length': MAX_RECEIVED_OCTETS,
      'grpc.max_send_message_length': MAX_SENT_OCTETS,
      'grpc.max_concurrent_streams': 1000,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    this.#health.addTo(this.#server);
    this.#health.set('', false);
    this.#services.push(HEALTH_SERVICE);
    addReflection(this.#server, readDescriptors, () => this.#services);
  }

  /** Adds a service. It is `NOT_SERVING` until {@link setServing} says otherwise. */
  add(name: string, definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#server.addService(definition, implementation);
    this.#services.push(name);
    this.#health.set(name, false);
  }

  /** @param name of a service; '' is the process as a whole */
  setServing(name: string, isServing: boolean): void {
    this.#health.set(name, isServing);
  }

  /**
   * Listens.
   *
   * @returns the address, with the port that it got
   * @throws MtaError `GRPC_ADDRESS_TAKEN`
   */
  async listen(): Promise<string> {
    const { address } = this.#options;
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, this.#credentials(), (error, bound) => {
        if (error === null) resolve(bound);
        else
          reject(
            new MtaError('GRPC_ADDRESS_TAKEN', `gRPC cannot listen on ${address}: ${error.message}`, { cause: error }),
          );
      });
    });
    return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
  }

  #credentials(): ServerCredentials {
    const { tls } = this.#options;
    if (tls === undefined) return ServerCredentials.createInsecure();
    const { certificate, key, clientAuthority } = tls;
    return ServerCredentials.createSsl(
      clientAuthority ?? null,
      [{ cert_chain: certificate, private_key: key }],
      clientAuthority !== undefined,
    );
  }

  /** Takes no new calls, waits for the ones under way up to `graceMs`, then ends them. */
  async stop(graceMs = 2000): Promise<void> {
    this.#health.set('', false);
    this.#health.close();
    this.methods.endStreams();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function isLoopback(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(':'));
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
