/** Light, dark, or as the system has it; remembered in this browser. */
export type Scheme = 'auto' | 'light' | 'dark';

const KEY = 'mailyard.scheme';

export function readScheme(): Scheme {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

export function applyScheme(scheme = readScheme()): void {
  localStorage.setItem(KEY, scheme);
  document.documentElement.dataset['scheme'] = scheme;
}
