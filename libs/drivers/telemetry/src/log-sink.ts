/** Where lines of a log go. */
export interface LogSink {
  /** Takes one line without its end; it is written soon, and nothing is ever thrown. */
  write(line: string): void;
  /** Opens its file anew, after somebody moved it away. */
  reopen(): void;
  /** Writes what is held back, then closes. */
  close(): Promise<void>;
}
