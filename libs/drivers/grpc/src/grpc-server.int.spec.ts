import { connect } from 'node:http2';
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { routingWire as wire } from '@mailyard/contracts';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Token } from './caller.ts';
import { GrpcServer, type GrpcServerOptions } from './grpc-server.ts';
import { CallRefusal, readRefusal } from './refusal.ts';

const NAME = 'mailyard.routing.v1.RoutingService';
const open: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

type Handler = (request: wire.LookupRequest, name: string) => wire.LookupResponse | Promise<wire.LookupResponse>;

type Watching = (request: wire.WatchRequest) => AsyncIterable<wire.WatchResponse> | Iterable<wire.WatchResponse>;

/** A server whose `Lookup` does as it is told, and `Watch` when it is told something. */
async function serve(handle: Handler, options: Partial<GrpcServerOptions> = {}, watching?: Watching) {
  const reported: unknown[] = [];
  const server = new GrpcServer({ address: '127.0.0.1:0', report: (error) => reported.push(error), ...options });
  const refuse = server.methods.unary('reader', () => {
    throw new CallRefusal(status.UNIMPLEMENTED, 'not here');
  });
  let streamEnded = false;
  server.add(NAME, wire.RoutingServiceService, {
    ...Object.fromEntries(Object.keys(wire.RoutingServiceService).map((method) => [method, refuse])),
    lookup: server.methods.unary<wire.LookupRequest, wire.LookupResponse>('operator', (request, { caller }) =>
      handle(request, caller.name),
    ),
    lookupBatch: server.methods.conversing<wire.LookupBatchRequest, wire.LookupBatchResponse>(
      'reader',
      ({ recipients }) => {
        if (recipients.length === 0) throw new CallRefusal(status.UNAVAILABLE, 'no table');
        return { decisions: [] };
      },
    ),
    watch: server.methods.streaming<wire.WatchRequest, wire.WatchResponse>(
      'reader',
      watching ??
        async function* watch(_request, { signal }) {
          yield { event: { $case: 'position', value: { lineage: '', version: 1, hash: '' } } };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          streamEnded = true;
        },
    ),
  });
  const address = await server.listen();
  open.push(() => server.stop(100));
  return { server, address, reported, isStreamEnded: () => streamEnded };
}

function client(address: string, creds: ChannelCredentials = credentials.createInsecure()): wire.RoutingServiceClient {
  const made = new wire.RoutingServiceClient(address, creds, { 'grpc.ssl_target_name_override': 'localhost' });
  open.push(() => made.close());
  return made;
}

function lookup(from: wire.RoutingServiceClient, token?: string, deadlineMs = 5000): Promise<wire.LookupResponse> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve, reject) => {
    from.lookup(
      { recipient: 'example.com', minVersion: 0 },
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      },
    );
  });
}

const nothing: wire.LookupResponse = { decision: undefined };

describe('a gRPC server', () => {
  it('sends refusals with their details and keeps every other message to itself', async () => {
    const violations = [{ field: 'recipient', reason: 'RECIPIENT_INVALID', description: 'is none — wirklich' }];
    let thrown: Error = new CallRefusal(status.INVALID_ARGUMENT, 'wrong', {
      violations,
      reason: 'R',
      metadata: { a: 'b' },
    });
    const { address, reported } = await serve(() => {
      throw thrown;
    });
    const refusal = await lookup(client(address)).catch(readRefusal);
    expect(refusal).toMatchObject({
      code: status.INVALID_ARGUMENT,
      message: 'wrong',
      details: { violations, reason: 'R', metadata: { a: 'b' } },
    });
    thrown = new Error('the password is swordfish');
    const error = (await lookup(client(address)).catch((caught: unknown) => caught)) as ServiceError;
    expect(error).toMatchObject({ code: status.INTERNAL });
    expect(JSON.stringify([error.message, error.details, error.metadata])).not.toContain('swordfish');
    expect(reported).toEqual([thrown]);
  });

  it('ends a stream of which nothing is read, and tells its caller when that reads again', async () => {
    let isDone = false;
    const { address, reported } = await serve(
      () => nothing,
      { unreadMs: 200 },
      function* () {
        const value = { lineage: 'x'.repeat(100_000), version: 1, hash: '' };
        try {
          for (;;) yield { event: { $case: 'position', value } };
        } finally {
          isDone = true;
        }
      },
    );
    // The client of the library would take in everything until it is read from.
    const session = connect(`http://${address}`);
    open.push(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${NAME}/Watch`,
      'content-type': 'application/grpc',
    });
    stream.end(Buffer.alloc(5));
    await vi.waitFor(() => expect(isDone).toBe(true), 20_000);
    const trailers = await new Promise((resolve) => {
      stream.on('trailers', resolve);
      stream.resume();
    });
    expect(trailers).toMatchObject({
      'grpc-status': String(status.UNAVAILABLE),
      'grpc-message': 'nothing%20was%20read%20for%200.2%20s',
    });
    expect(reported).toEqual([]);
  });

  it('keeps the details of many faults below what a trailer may hold', async () => {
    const violations = Array.from({ length: 10_000 }, (_, i) => ({
      field: `operations[${i}]`,
      reason: 'ROUTE_DEST_INVALID',
      description: 'x'.repeat(100),
    }));
    const { address } = await serve(() => {
      throw new CallRefusal(status.INVALID_ARGUMENT, 'wrong', { violations });
    });
    const told = (await lookup(client(address)).catch(readRefusal)) as CallRefusal;
    expect(told.details.violations[0]).toEqual(violations[0]);
    expect(told.details.violations.at(-1)).toMatchObject({
      reason: 'MORE',
      description: expect.stringMatching(/^and 99\d\d more/),
    });
  });

  const tokens: Token[] = [
    { name: 'rita', role: 'reader', secret: 'r-secret' },
    { name: 'otto', role: 'operator', secret: 'o-secret' },
    { name: 'adam', role: 'administrator', secret: 'a-secret' },
  ];

  it('lets in who has a token of the role that is needed, and nobody else', async () => {
    const names: string[] = [];
    const { address } = await serve(
      (_request, name) => {
        names.push(name);
        return nothing;
      },
      { tokens },
    );
    const from = client(address);
    await expect(lookup(from)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(lookup(from, 'wrong')).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(lookup(from, 'r-secret')).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await lookup(from, 'o-secret');
    await lookup(from, 'a-secret');
    expect(names).toEqual(['otto', 'adam']);
  });

  it('speaks TLS, and with a client authority only to those whom it vouches for', async () => {
    const [own, known, stranger] = [
      makeCertificate(['localhost']),
      makeCertificate(['worker-1']),
      makeCertificate(['worker-1']),
    ];
    const pem = (text: string) => Buffer.from(text);
    const { address } = await serve(
      (_request, name) => {
        expect(name).toBe('worker-1');
        return nothing;
      },
      { tls: { certificate: pem(own.cert), key: pem(own.key), clientAuthority: pem(known.cert) } },
    );
    const as = (one?: { key: string; cert: string }) =>
      client(
        address,
        credentials.createSsl(
          pem(own.cert),
          one === undefined ? null : pem(one.key),
          one === undefined ? null : pem(one.cert),
        ),
      );
    await lookup(as(known));
    await expect(lookup(as(stranger), undefined, 2000)).rejects.toThrow();
    await expect(lookup(as(), undefined, 2000)).rejects.toThrow();
    await expect(lookup(client(address), undefined, 2000)).rejects.toThrow();
  });

  it('takes a caller with a certificate and no token for a reader where there are tokens', async () => {
    const [own, known] = [makeCertificate(['localhost']), makeCertificate(['worker-1'])];
    const pem = (text: string) => Buffer.from(text);
    const { address } = await serve(() => nothing, {
      tokens,
      tls: { certificate: pem(own.cert), key: pem(own.key), clientAuthority: pem(known.cert) },
    });
    const from = client(address, credentials.createSsl(pem(own.cert), pem(known.key), pem(known.cert)));
    await expect(lookup(from)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await lookup(from, 'o-secret');
  });

  it('gives a certificate the role that stands beside its name', async () => {
    const [own, known] = [makeCertificate(['localhost']), makeCertificate(['worker-1'])];
    const pem = (text: string) => Buffer.from(text);
    const as = async (certificates: GrpcServerOptions['certificates']) => {
      const tls = { certificate: pem(own.cert), key: pem(own.key), clientAuthority: pem(known.cert) };
      const { address } = await serve(() => nothing, { tls, certificates: certificates! });
      return lookup(client(address, credentials.createSsl(pem(own.cert), pem(known.key), pem(known.cert))));
    };
    await as([{ name: 'worker-1', role: 'operator' }]);
    await expect(as([{ name: 'worker-1', role: 'reader' }])).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await expect(as([{ name: 'other', role: 'administrator' }])).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    });
  });

  it.each(['0.0.0.0:0', '192.0.2.1:50051', '[::]:0', 'gateway.example:50051'])(
    'does not listen on %s without TLS and known callers',
    (address) => {
      const make = (options: Partial<GrpcServerOptions>) => () =>
        new GrpcServer({ address, report: () => undefined, ...options });
      const tls = { certificate: Buffer.of(), key: Buffer.of() };
      expect(make({})).toThrow(expect.objectContaining({ code: 'GRPC_TLS_REQUIRED' }));
      expect(make({ tls })).toThrow(expect.objectContaining({ code: 'GRPC_CALLERS_UNKNOWN' }));
      expect(make({ tls, tokens })).not.toThrow();
    },
  );

  it('says when its port is taken', async () => {
    const { address } = await serve(() => nothing);
    await expect(serve(() => nothing, { address })).rejects.toMatchObject({ code: 'GRPC_ADDRESS_TAKEN' });
  });

  it('ends a call whose deadline has passed', async () => {
    const { address } = await serve(() => new Promise(() => undefined));
    await expect(lookup(client(address), undefined, 50)).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });

  it('refuses within a conversation, after answers, with the status of the refusal', async () => {
    const { address } = await serve(() => nothing);
    const stream = client(address).lookupBatch();
    const told: unknown[] = [];
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', (error: ServiceError) => resolve(error)));
    stream.on('data', (answer) => told.push(answer));
    stream.write({ recipients: ['example.com'], minVersion: 0 });
    stream.write({ recipients: [], minVersion: 0 });
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: 'no table' });
    expect(told).toHaveLength(1);
  });

  it('ends its streams when it stops, so that their callers go elsewhere', async () => {
    const { server, address, isStreamEnded } = await serve(() => nothing);
    const stream = client(address).watch({ version: 0, hash: '' });
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', (error: ServiceError) => resolve(error)));
    await new Promise((resolve) => stream.once('data', resolve));
    await server.stop(60_000);
    expect((await ended).code).toBe(status.UNAVAILABLE);
    expect(isStreamEnded()).toBe(true);
  });
});

/** Calls a method by its path, with octets as they are. */
function raw(address: string, path: string, request: Buffer): Promise<Buffer> {
  const from = new Client(address, credentials.createInsecure());
  open.push(() => from.close());
  const same = (octets: Buffer): Buffer => octets;
  return new Promise((resolve, reject) => {
    if (path.includes('Reflection')) {
      const stream = from.makeBidiStreamRequest(path, same, same);
      stream.on('data', resolve).on('error', reject);
      stream.write(request);
      stream.end();
      return;
    }
    from.makeUnaryRequest(path, same, same, request, (error, answer) => {
      if (error === null) resolve(answer!);
      else reject(error);
    });
  });
}

describe('health', () => {
  const check = (address: string, service: string) =>
    raw(
      address,
      '/grpc.health.v1.Health/Check',
      Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)]),
    );

  it('tells of each service and of the whole, also callers without a token', async () => {
    const { server, address } = await serve(() => nothing, { tokens: [{ name: 'a', role: 'reader', secret: 'x' }] });
    expect(await check(address, NAME)).toEqual(Buffer.from([8, 2]));
    server.setServing(NAME, true);
    server.setServing('', true);
    expect(await check(address, NAME)).toEqual(Buffer.from([8, 1]));
    expect(await check(address, '')).toEqual(Buffer.from([8, 1]));
    await expect(check(address, 'nowhere')).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

describe('reflection', () => {
  const asks = (field: number, text: string) =>
    Buffer.concat([Buffer.from([field * 8 + 2, text.length]), Buffer.from(text)]);

  it.each(['v1', 'v1alpha'])('lists the services and gives the files that declare a symbol (%s)', async (version) => {
    const { address } = await serve(() => nothing);
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    expect((await raw(address, path, asks(7, ''))).toString('latin1')).toContain(NAME);
    for (const symbol of [
      NAME,
      `${NAME}.Lookup`,
      'mailyard.routing.v1.LookupRequest',
      'mailyard.routing.v1.Item.route',
    ]) {
      const answer = (await raw(address, path, asks(4, symbol))).toString('latin1');
      expect(answer, symbol).toContain('mailyard/routing/v1/change_set.proto');
    }
    expect((await raw(address, path, asks(3, 'mailyard/routing/v1/routing.proto'))).toString('latin1')).toContain(
      'LookupBatch',
    );
    expect((await raw(address, path, asks(4, 'no.such.Symbol'))).toString('latin1')).toContain('is not here');
    expect((await raw(address, path, Buffer.from([0xff, 0xff]))).toString('latin1')).toContain('not known');
  });
});
