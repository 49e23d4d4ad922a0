import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { signOut } from './api/calls.ts';
import type { PendingCount, Session } from './api/values.ts';
import { Menu } from './menu.tsx';
import { Notice } from './parts/notice.tsx';
import { applyScheme, readScheme, type Scheme } from './parts/scheme.ts';
import { useWords } from './words/words.ts';

const SCHEMES: readonly Scheme[] = ['auto', 'light', 'dark'];

/** What surrounds every page: name, language, colours, menu, what is pending. */
export function Frame({
  onLanguage,
  onSignedOut,
  session,
  pending,
  said,
  children,
}: {
  readonly onLanguage: () => void;
  readonly onSignedOut?: () => void;
  readonly session?: Session;
  readonly pending?: PendingCount | undefined;
  readonly said?: string | undefined;
  readonly children: ComponentChildren;
}) {
  const words = useWords();
  const { menu } = words;
  const [scheme, setScheme] = useState(readScheme);
  const leave = async (): Promise<void> => {
    await signOut().catch(() => undefined);
    onSignedOut?.();
  };
  const skip = (event: Event): void => {
    event.preventDefault();
    document.getElementById('content')?.focus();
  };
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {words.skip}
      </a>
      <header class="top">
        <div class="bar">
          <span class="product">{words.product}</span>
          <div class="tools">
            <label for="scheme" class="unseen">
              {menu.scheme.label}
            </label>
            <select
              id="scheme"
              value={scheme}
              onChange={(event) => {
                const chosen = event.currentTarget.value as Scheme;
                applyScheme(chosen);
                setScheme(chosen);
              }}
            >
              {SCHEMES.map((one) => (
                <option key={one} value={one}>
                  {menu.scheme[one]}
                </option>
              ))}
            </select>
            <button type="button" class="plain" lang={words.otherLanguage.code} onClick={onLanguage}>
              {words.otherLanguage.name}
            </button>
            {session === undefined ? null : (
              <>
                <span class="who">
                  {session.user} <small>({words.roles[session.role]})</small>
                </span>
                <button type="button" class="plain" onClick={() => void leave()}>
                  {menu.signOut}
                </button>
              </>
            )}
          </div>
        </div>
        {session === undefined ? null : <Menu pending={pending} />}
      </header>
      <main id="content" tabIndex={-1}>
        <div aria-live="polite">{said === undefined ? null : <Notice tone="good">{said}</Notice>}</div>
        {children}
      </main>
      <footer class="bottom">
        {menu.footer} {Intl.DateTimeFormat().resolvedOptions().timeZone}
      </footer>
    </>
  );
}
