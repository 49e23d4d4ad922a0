import type { ComponentChildren } from 'preact';

/** A box to tick, with its words beside it. */
export function CheckBox({
  isChecked,
  onChange,
  isDangerous = false,
  hint,
  children,
}: {
  readonly isChecked: boolean;
  readonly onChange: (isChecked: boolean) => void;
  /** Ticking it gives something up. */
  readonly isDangerous?: boolean;
  readonly hint?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <label class={isDangerous ? 'box-label danger-text' : 'box-label'} title={hint}>
      <input type="checkbox" checked={isChecked} onChange={(event) => onChange(event.currentTarget.checked)} />{' '}
      {children}
    </label>
  );
}
