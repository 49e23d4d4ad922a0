import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';

/** What `grpc.health.v1.Health` says of a service. */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** Watchers at a time; the service is open to callers that nobody knows. */
const WATCHERS = 100;

interface Asked {
  readonly service: string;
}

type Watch = ServerWritableStream<Asked, number>;

export const HEALTH_SERVICE = 'grpc.health.v1.Health';
const COMMON = {
  requestStream: false,
  requestSerialize: ({ service }: Asked): Buffer => Buffer.from(new BinaryWriter().uint32(10).string(service).finish()),
  requestDeserialize: readAsked,
  responseSerialize: (value: number): Buffer => Buffer.from(new BinaryWriter().uint32(8).int32(value).finish()),
  responseDeserialize: (octets: Buffer): number => octets[1] ?? 0,
};
const DEFINITION: ServiceDefinition = {
  check: { ...COMMON, path: `/${HEALTH_SERVICE}/Check`, responseStream: false },
  watch: { ...COMMON, path: `/${HEALTH_SERVICE}/Watch`, responseStream: true },
};

/**
 * The health service: whether each service of this process, and the process as a whole, serves now.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export class Health {
  readonly #states = new Map<string, number>();
  readonly #watchers = new Map<Watch, number | undefined>();

  addTo(server: Server): void {
    server.addService(DEFINITION, {
      check: ({ request }: ServerUnaryCall<Asked, number>, callback: sendUnaryData<number>) => {
        const state = this.#states.get(request.service);
        if (state === undefined) callback({ code: status.NOT_FOUND, details: 'there is no such service' });
        else callback(null, state);
      },
      watch: (call: Watch) => {
        if (this.#watchers.size >= WATCHERS) {
          call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `more than ${WATCHERS} watchers` });
          return;
        }
        this.#watchers.set(call, undefined);
        call.on('cancelled', () => this.#watchers.delete(call));
        call.on('error', () => this.#watchers.delete(call));
        this.#tell(call);
      },
    });
  }

  /** @param service '' is the process as a whole */
  set(service: string, isServing: boolean): void {
    this.#states.set(service, isServing ? SERVING : NOT_SERVING);
    for (const call of this.#watchers.keys()) if (call.request.service === service) this.#tell(call);
  }

  #tell(call: Watch): void {
    const state = this.#states.get(call.request.service) ?? SERVICE_UNKNOWN;
    if (this.#watchers.get(call) === state) return;
    this.#watchers.set(call, state);
    call.write(state);
  }

  /** Ends the watches, which else would hold a server that stops. */
  close(): void {
    for (const call of this.#watchers.keys()) call.end();
    this.#watchers.clear();
  }
}

function readAsked(octets: Buffer): Asked {
  const reader = new BinaryReader(octets);
  let service = '';
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 1 && type === WireType.LengthDelimited) service = reader.string();
    else reader.skip(type);
  }
  return { service };
}
