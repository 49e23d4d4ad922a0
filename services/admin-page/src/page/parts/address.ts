import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** Where the page is: `#/network/smtp-routes?search=x`. */
export interface Address {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export function readAddress(hash = location.hash): Address {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const segments = path.split('/').filter((segment) => segment !== '');
  return { path: segments.map(decode), query: new URLSearchParams(query) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Writes an address; what is undefined or empty is left out of the query. */
export function addressOf(
  path: readonly string[],
  query: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

function addressText({ path, query }: Address): string {
  return `${path.join('/')}?${query.toString()}`;
}

export function go(address: string): void {
  location.hash = address;
}

/** Goes on to another page when something is done. Whoever has left meanwhile is not brought along. */
export function useGo(): (address: string) => void {
  const isHere = useRef(true);
  useEffect(
    () => () => {
      isHere.current = false;
    },
    [],
  );
  return useCallback((address) => {
    if (isHere.current) go(address);
  }, []);
}

/**
 * Changes the query without a step in the browser's history: for what is typed into a search box. Whoever has left the
 * page meanwhile is not brought back.
 */
export function replaceAddress(address: string): void {
  if (readAddress(address).path.join('/') !== readAddress().path.join('/')) return;
  history.replaceState(undefined, '', address);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useAddress(): Address {
  const [address, setAddress] = useState(readAddress);
  useEffect(() => {
    const listen = (): void => setAddress(readAddress());
    addEventListener('hashchange', listen);
    // It may have changed since this was drawn first.
    setAddress((before) => (addressText(before) === addressText(readAddress()) ? before : readAddress()));
    return () => removeEventListener('hashchange', listen);
  }, []);
  return address;
}
