/**
 * The one base of errors that code cannot answer for: settings wrong, a dependency away, a conflict of versions, a
 * broken invariant. An SMTP refusal is not an error but a result.
 *
 * Match on `code` with {@link isMtaError}; each code means one thing and stands in docs/reference/errors.md.
 */
export class MtaError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MtaError';
    this.code = code;
  }
}

/** Tells whether a caught value is an {@link MtaError} with this code. */
export function isMtaError(error: unknown, code: string): error is MtaError {
  return error instanceof Error && 'code' in error && error.code === code;
}
