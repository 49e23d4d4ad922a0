import { describe, expect, it } from 'vitest';
import { encodePath, encodeQuery, RequestSigner } from './request-signer.ts';

describe('RequestSigner', () => {
  /** The keys, requests and signatures that the documentation of Signature Version 4 for S3 gives as examples. */
  const signer = new RequestSigner({
    region: 'us-east-1',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  });
  const at = new Date('2013-05-24T00:00:00Z');
  const host = 'examplebucket.s3.amazonaws.com';
  const signatureOf = (fields: Record<string, string>): string => fields['authorization']!.split('Signature=')[1]!;

  it('signs a GET with a range', () => {
    const fields = signer.sign(
      { method: 'GET', host, path: '/test.txt', query: {}, fields: { range: 'bytes=0-9' }, body: new Uint8Array() },
      at,
    );
    expect(signatureOf(fields)).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
  });

  it('signs a PUT with a body', () => {
    const fields = signer.sign(
      {
        method: 'PUT',
        host,
        path: encodePath('/test$file.text'),
        query: {},
        fields: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
        body: Buffer.from('Welcome to Amazon S3.'),
      },
      at,
    );
    expect(signatureOf(fields)).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });

  it('signs a list with its query', () => {
    const query = { 'max-keys': '2', prefix: 'J' };
    const fields = signer.sign({ method: 'GET', host, path: '/', query, fields: {}, body: new Uint8Array() }, at);
    expect(signatureOf(fields)).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
  });

  it('encodes what is not unreserved', () => {
    expect(encodeQuery({ b: "a b/c'(*)!", a: '' })).toBe('a=&b=a%20b%2Fc%27%28%2A%29%21');
    expect(encodePath('a b/ä')).toBe('a%20b/%C3%A4');
  });
});
