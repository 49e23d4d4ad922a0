import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** A question that must be answered first. Escape answers no. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const closed = useRef(onClose);
  closed.current = onClose;
  useLayoutEffect(() => {
    const shown = dialog.current!;
    const onEscape = (): void => closed.current();
    shown.addEventListener('close', onEscape);
    shown.showModal();
    return () => {
      shown.removeEventListener('close', onEscape);
      // While it still stands in the page, this gives the focus back. After Escape that is done, and one may have gone on.
      shown.close();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}
