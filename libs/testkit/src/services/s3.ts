/** A real S3 server (Versity S3 Gateway over a folder): in a container where a Docker engine is found, else a process. */
import { createHash, createHmac } from 'node:crypto';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerUnit } from './container-unit.ts';
import { dockerEngine } from './docker-engine.ts';
import { freePort } from './free-port.ts';
import { s3Server } from './installation.ts';
import { LocalProcess } from './local-process.ts';
import { isListening } from './service-unit.ts';

const IMAGE = 'versity/versitygw:v1.8.0';
const READY_WITHIN_MS = 30_000;
const ACCESS_KEY = 'test';
const SECRET_KEY = 'testsecret';
const REGION = 'us-east-1';

export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Exists and is empty. Addressed by path. */
  readonly bucket: string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again on its old data. */
  resume(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  stop(): Promise<void>;
}

export async function startS3(): Promise<S3Server> {
  const port = await freePort();
  const environment = { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY };
  const watch = { ready: () => isListening(port), readyWithinMs: READY_WITHIN_MS };
  const unit = (await dockerEngine())
    ? new ContainerUnit({
        image: IMAGE,
        command: ['--port', ':7070', '--quiet', 'posix', '/tmp'],
        environment,
        ports: [{ container: 7070, host: port }],
        ...watch,
      })
    : await localServer(port, environment, watch);
  await unit.start();
  const endpoint = `http://127.0.0.1:${port}`;
  const bucket = 'mailyard-bodies';
  await makeBucket(port, bucket);
  return {
    endpoint,
    region: REGION,
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET_KEY,
    bucket,
    kill: () => unit.kill(),
    resume: () => unit.start(),
    freeze: () => unit.freeze(),
    thaw: () => unit.thaw(),
    stop: () => unit.remove(),
  };
}

async function localServer(
  port: number,
  environment: Readonly<Record<string, string>>,
  watch: { readonly ready: () => Promise<boolean>; readonly readyWithinMs: number },
): Promise<LocalProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'mailyard-s3-'));
  const data = join(folder, 'data');
  await mkdir(data);
  return new LocalProcess({
    folder,
    command: s3Server(),
    parameters: ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', data],
    environment,
    ...watch,
  });
}

/** One signed `PUT /bucket` (AWS Signature Version 4), so that the fixture needs no client that is under test. */
async function makeBucket(port: number, bucket: string): Promise<void> {
  const host = `127.0.0.1:${port}`;
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const scope = `${stamp.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const payload = createHash('sha256').update('').digest('hex');
  const headers = `host:${host}\nx-amz-content-sha256:${payload}\nx-amz-date:${stamp}\n`;
  const signed = 'host;x-amz-content-sha256;x-amz-date';
  const request = ['PUT', `/${bucket}`, '', headers, signed, payload].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(request).digest('hex')].join('\n');
  const key = scope
    .split('/')
    .reduce((secret, part) => createHmac('sha256', secret).update(part).digest(), Buffer.from(`AWS4${SECRET_KEY}`));
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const response = await fetch(`http://${host}/${bucket}`, {
    method: 'PUT',
    headers: {
      'x-amz-content-sha256': payload,
      'x-amz-date': stamp,
      authorization: `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  });
  if (!response.ok) throw new Error(`the S3 server made no bucket: ${response.status} ${await response.text()}`);
}
