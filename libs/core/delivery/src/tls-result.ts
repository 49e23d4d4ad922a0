/**
 * What came of a domain's demands on TLS, by the words of reports about it (RFC 8460 §4.3): `successful` is a session
 * that met them; the last three are of policies that could not be had.
 */
export type TlsResult =
  | 'successful'
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | MtaStsFetchResult;

/** `sts-webpki-invalid`: the certificate of the policy host does not hold. */
export type MtaStsFetchResult = 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid';

/** Something is wrong with TLS. */
export interface TlsFault {
  readonly result: Exclude<TlsResult, 'successful'>;
  /** For operators. */
  readonly reason: string;
}
