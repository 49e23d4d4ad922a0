import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useWords } from '../words/words.ts';

/** Where the page stands in the menu, and its title; takes the focus when the page is opened. */
export function PageHead({
  place,
  title,
  children,
}: {
  readonly place: readonly (string | { readonly text: string; readonly href: string })[];
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  const words = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} - ${words.product}`;
  }, [title]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <header class="page-head">
      <p class="place">
        {place.map((step) =>
          typeof step === 'string' ? (
            <span key={step}>{step}</span>
          ) : (
            <a key={step.text} href={step.href}>
              {step.text}
            </a>
          ),
        )}
      </p>
      <div class="title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <div class="actions">{children}</div>
      </div>
    </header>
  );
}
