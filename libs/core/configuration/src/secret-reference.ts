/** Where a secret stands. The secret itself is never in the configuration (R153). */
export type SecretReference =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'environment'; readonly variable: string };

export function isSameSecret(a: SecretReference, b: SecretReference): boolean {
  if (a.kind === 'file') return b.kind === 'file' && a.file === b.file;
  return b.kind === 'environment' && a.variable === b.variable;
}
