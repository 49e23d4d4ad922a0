import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findInconsistencies } from './consistency.ts';
import { loadSettings } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, `${Math.random()}.yaml`);
  writeFileSync(path, text);
  return path;
}

function loaded(
  text: string,
  environment: Record<string, string> = {},
  overrides: Parameters<typeof loadSettings>[2] = [],
) {
  const result = loadSettings(file(text), environment, overrides);
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  return result.settings;
}

describe('settings', () => {
  it('have defaults for everything', () => {
    const settings = loaded('');
    expect(settings.listeners[0]?.address).toBe('127.0.0.1:2525');
    expect(settings.grpc.address).toBe('127.0.0.1:50051');
    expect(settings.delivery.bounce.maxAgeSeconds).toBe(259_200);
    expect(findInconsistencies(settings)).toEqual([]);
  });

  it('take 1,000 connections in at a listener and 10,000 out, unless they say otherwise (R145)', () => {
    expect(loaded('').listeners[0]?.maxConnections).toBe(1_000);
    expect(loaded('').delivery.maxConnections).toBe(10_000);
    const inside = 'listeners: [{name: inside, address: "127.0.0.1:2587", maxConnections: 600}]';
    expect(loaded(inside).listeners[0]?.maxConnections).toBe(600);
  });

  it('name virtual gateways by addresses of one machine, in the file or in the environment', () => {
    expect(loaded('').delivery.gateways).toEqual({});
    const text = 'delivery: {gateways: {news: {addresses: [192.0.2.1, "2001:db8::1"], helo: news.example}}}';
    expect(loaded(text).delivery.gateways['news']).toEqual({
      addresses: ['192.0.2.1', '2001:db8::1'],
      helo: 'news.example',
    });
    const environment = { MAILYARD_DELIVERY_GATEWAYS: '{"nat": {"helo": "out.example"}}' };
    expect(loaded('', environment).delivery.gateways).toEqual({ nat: { addresses: [], helo: 'out.example' } });
    for (const wrong of ['"two words": {}', 'a: {addresses: [news.example]}', 'a: {addresses: [0.0.0.0]}'])
      expect(loadSettings(file(`delivery: {gateways: {${wrong}}}`), {}, [])).toMatchObject({ kind: 'faulty' });
  });

  it('take the environment over the file and the command line over both', () => {
    const text = 'http: {address: "127.0.0.1:1"}\ndelivery: {bounce: {maxRetries: 3}}';
    const environment = { MAILYARD_HTTP_ADDRESS: '127.0.0.1:2', MAILYARD_DELIVERY_BOUNCE_MAXRETRIES: '4' };
    expect(loaded(text, environment).http.address).toBe('127.0.0.1:2');
    expect(loaded(text, environment).delivery.bounce.maxRetries).toBe(4);
    const override = { option: '--http', path: ['http', 'address'], value: '127.0.0.1:3' };
    expect(loaded(text, environment, [override]).http.address).toBe('127.0.0.1:3');
  });

  it('tell of a variable that names no key', () => {
    const result = loadSettings(undefined, { MAILYARD_HTP_ADDRESS: '127.0.0.1:1' }, []);
    expect(result.kind === 'loaded' && result.unknownVariables).toEqual(['MAILYARD_HTP_ADDRESS']);
  });

  it('read a variable that holds a list', () => {
    const settings = loaded('', { MAILYARD_LOG_KAFKA_BROKERS: '["a:9092", "b:9092"]' });
    expect(settings.log.kafka?.brokers).toEqual(['a:9092', 'b:9092']);
  });

  it.each([
    [
      'an unknown key',
      'a: 1\nlisteners:\n  - name: x\n    address: "127.0.0.1:25"\n    colour: red',
      [/:1$/, /unknown key a/],
      [/:5$/, /listeners\.0\.colour/],
    ],
    [
      'two wrong values at once',
      'http:\n  address: nowhere\nlimits:\n  openBytes: -1',
      [/:2$/, /http\.address: must be HOST:PORT/],
      [/:4$/, /limits\.openBytes/],
    ],
    ['broken YAML', 'a: [1\nb: 2', [/:\d$/, /.+/]],
    ['a list at the top', '- 1', [/yaml$/, /mapping/]],
  ])('name the place of %s', (_name, text, ...expected) => {
    const result = loadSettings(file(text), {}, []);
    if (result.kind !== 'faulty') throw new Error('was taken');
    for (const [place, problem] of expected) {
      expect(result.faults).toContainEqual({
        place: expect.stringMatching(place ?? ''),
        problem: expect.stringMatching(problem ?? ''),
      });
    }
  });

  it('name the variable and the option that hold a wrong value', () => {
    const override = { option: '--smtp', path: ['listeners', 0, 'address'], value: 'x' };
    const result = loadSettings(undefined, { MAILYARD_GRPC_ADDRESS: 'y' }, [override]);
    expect(result.kind === 'faulty' && result.faults.map((fault) => fault.place).sort()).toEqual([
      '--smtp',
      'MAILYARD_GRPC_ADDRESS',
    ]);
  });

  it('name a file that is not there', () => {
    const result = loadSettings(join(folder, 'none.yaml'), {}, []);
    expect(result.kind === 'faulty' && result.faults[0]?.problem).toMatch(/cannot be read/);
  });

  it('listen at each address once; port 0 is any', () => {
    const faultsOf = (text: string) =>
      findInconsistencies(loaded(text)).map(({ place, problem }) => `${place}: ${problem}`);
    const two = (one: string, other: string) =>
      `listeners: [{name: a, address: "${one}"}, {name: b, address: "${other}"}]`;
    expect(faultsOf(two('127.0.0.1:25', '127.0.0.1:25'))).toEqual([
      'listeners[1].address: 127.0.0.1:25 is that of listeners[0].address',
    ]);
    expect(faultsOf(two('127.0.0.1:25', '127.0.0.1:26'))).toEqual([]);
    expect(faultsOf(two('127.0.0.1:0', '127.0.0.1:0'))).toEqual([]);
    expect(faultsOf('http: {address: "127.0.0.1:50051"}')).toEqual([
      'http.address: 127.0.0.1:50051 is that of grpc.address',
    ]);
  });

  it('refuse half of a distributed gateway, and one without a lineage', () => {
    const faults = findInconsistencies(loaded('log: {kafka: {brokers: ["a:9092"]}}'));
    expect(faults.map((fault) => fault.place)).toEqual(['configuration.redis', 'bodies.s3', 'configuration.lineage']);
  });

  it.each([
    ['tokens: [{name: a, role: reader, token: {file: t}}]', '', ['grpc.peers.token']],
    ['tokens: [{name: a, role: reader, token: {file: t}}]', 'peers: {token: {file: t}}', []],
    ['certificates: [{name: a, role: operator}]', 'peers: {certificate: c, key: k}', []],
    ['tls: {certificate: c, key: k, clientAuthority: a}', '', ['grpc.peers.certificate']],
    ['tls: {certificate: c, key: k}', 'peers: {certificate: c}', ['grpc.peers']],
    ['tls: {certificate: c, key: k}', 'peers: {authority: c}', []],
  ])('of gRPC with %s and %s tell what keeps processes from asking each other', (callers, peers, places) => {
    const distributed = [
      'log: {kafka: {brokers: ["a:9092"]}}',
      'configuration: {redis: {url: "redis://a:6379"}, lineage: l}',
      'bodies: {s3: {endpoint: "http://a:9000", bucket: b, accessKeyId: i, secretAccessKey: {file: s}}}',
    ].join('\n');
    const settings = loaded(`${distributed}\ngrpc: {${[callers, peers].filter((text) => text !== '').join(', ')}}`);
    expect(findInconsistencies(settings).map(({ place }) => place)).toEqual(places);
  });

  it.each([
    ['address: "0.0.0.0:50051"', ['grpc.tls']],
    ['address: "[2001:db8::1]:50051", tls: {certificate: c, key: k}', ['grpc.tls.clientAuthority']],
    ['address: "0.0.0.0:50051", tls: {certificate: c, key: k, clientAuthority: a}', []],
    [
      'address: "0.0.0.0:50051", tls: {certificate: c, key: k}, tokens: [{name: a, role: reader, token: {file: t}}]',
      [],
    ],
    ['address: "[::1]:50051"', []],
    ['address: "localhost:50051"', []],
    ['address: "127.0.0.2:50051"', []],
  ])('of gRPC with %s tell that others could reach it in clear or unknown', (grpc, places) => {
    expect(findInconsistencies(loaded(`grpc: {${grpc}}`)).map(({ place }) => place)).toEqual(places);
  });

  it.each([
    ['auth: required', ['listeners[0].auth']],
    ['auth: offered, authWithoutTls: true', []],
    ['auth: offered, tls: starttls', ['tls']],
    ['tls: implicit', ['tls']],
    ['engine: smtp-server, auth: none', []],
  ])('of a listener with %s tell what AUTH and TLS need', (listener, places) => {
    const settings = loaded(`listeners: [{address: "127.0.0.1:2525", ${listener}}]`);
    expect(findInconsistencies(settings).map(({ place }) => place)).toEqual(places);
  });

  it('keep prototype keys out', () => {
    const result = loadSettings(file('"__proto__": {polluted: true}'), {}, []);
    expect(result.kind).toBe('faulty');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
