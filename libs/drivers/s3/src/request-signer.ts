import { createHash, createHmac } from 'node:crypto';

export interface SignedRequest {
  readonly method: string;
  readonly host: string;
  /** Encoded. */
  readonly path: string;
  /** Not encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Fields that are signed besides the usual ones; names in lower case. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface SignerOptions {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const EMPTY_HASH = sha256(new Uint8Array());

/**
 * Signs requests by AWS Signature Version 4, the body included.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class RequestSigner {
  readonly #options: SignerOptions;
  /** The key of one day. */
  #key: { readonly day: string; readonly octets: Buffer } | undefined;

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** The fields that the request is sent with. */
  sign(request: SignedRequest, at: Date): Record<string, string> {
    const { region, accessKeyId, sessionToken } = this.#options;
    const stamp = at.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
    const day = stamp.slice(0, 8);
    const bodyHash = request.body.length === 0 ? EMPTY_HASH : sha256(request.body);
    const fields: Record<string, string> = {
      ...request.fields,
      host: request.host,
      'x-amz-content-sha256': bodyHash,
      'x-amz-date': stamp,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    };
    const names = Object.keys(fields).sort();
    const signed = names.join(';');
    const canonical = [
      request.method,
      request.path,
      encodeQuery(request.query),
      ...names.map((name) => `${name}:${fields[name]}`),
      '',
      signed,
      bodyHash,
    ].join('\n');
    const scope = `${day}/${region}/s3/aws4_request`;
    const toSign = `${ALGORITHM}\n${stamp}\n${scope}\n${sha256(canonical)}`;
    const signature = createHmac('sha256', this.#keyOf(day)).update(toSign).digest('hex');
    fields['authorization'] =
      `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
    return fields;
  }

  #keyOf(day: string): Buffer {
    if (this.#key?.day === day) return this.#key.octets;
    let octets: Buffer = Buffer.from(`AWS4${this.#options.secretAccessKey}`);
    for (const part of [day, this.#options.region, 's3', 'aws4_request'])
      octets = createHmac('sha256', octets).update(part).digest();
    this.#key = { day, octets };
    return octets;
  }
}

/** A query in the one order and encoding that is signed; empty when there is none. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encode(name)}=${encode(query[name]!)}`)
    .join('&');
}

/** A key as it stands in a path. */
export function encodePath(path: string): string {
  return path.split('/').map(encode).join('/');
}

/** RFC 3986 §2.3: encodeURIComponent leaves five characters that are not unreserved. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}
