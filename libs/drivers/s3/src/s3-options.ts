export interface S3Options {
  /** `http(s)://host:port`; absent: AWS in this region. */
  readonly endpoint?: string;
  /** `us-east-1` */
  readonly region?: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** What every key begins with, so that a bucket can be shared; empty. */
  readonly prefix?: string;
  /** Whether the bucket stands in the path instead of the host name; so wherever an endpoint is given. */
  readonly pathStyle?: boolean;
  /** Certificates to trust besides Node's own, as PEM. */
  readonly ca?: string;
  /** Connections at the same time; 64. */
  readonly maxConnections?: number;
  /** How long the store may be silent before a request is given up; 10 s. */
  readonly timeoutMs?: number;
}

/** Where requests go. */
export interface S3Address {
  readonly secure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** As the Host field says it. */
  readonly host: string;
  /** What comes before the key in the path: `/` or `/bucket/`. */
  readonly base: string;
}

/** @throws TypeError when the endpoint is no URL */
export function addressOf(options: S3Options): S3Address {
  const region = options.region ?? 'us-east-1';
  const url = new URL(options.endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TypeError(`"${options.endpoint}" is no address of HTTP`);
  const inPath = options.pathStyle ?? options.endpoint !== undefined;
  const secure = url.protocol === 'https:';
  return {
    secure,
    hostname: inPath ? url.hostname : `${options.bucket}.${url.hostname}`,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    host: inPath ? url.host : `${options.bucket}.${url.host}`,
    base: inPath ? `/${options.bucket}/` : '/',
  };
}
