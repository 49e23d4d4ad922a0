/** A row of the form: one destination, taken apart. */
export interface DestinationRow {
  /** Stays the same while rows around it come and go. */
  readonly id: number;
  readonly host: string;
  readonly port: string;
  readonly priority: string;
}

let rows = 0;

export function emptyRow(): DestinationRow {
  return { id: ++rows, host: '', port: '', priority: '' };
}

const WRITTEN = /^(?<host>\[[^\]]*\]|[^:/]*)(?::(?<port>\d+))?(?:\/pri=(?<priority>\d+))?$/;
const BARE_IPV6 = /^(?<host>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:\/pri=(?<priority>\d+))?$/;

/** Takes `host[:port][/pri=N]` apart; what has another shape stays in the host. */
export function readRow(destination: string): DestinationRow {
  const { host, port, priority } = (BARE_IPV6.exec(destination) ?? WRITTEN.exec(destination))?.groups ?? {
    host: destination,
  };
  return { id: ++rows, host: host!, port: port ?? '', priority: priority ?? '' };
}

/** Writes a row as the table has it; what is wrong with it is left to the gateway to say. */
export function writeRow({ host, port, priority }: DestinationRow): string {
  const name = host.trim();
  const isBareIpv6 = !name.startsWith('[') && name.split(':').length > 2;
  const place = port.trim() === '' ? name : `${isBareIpv6 ? `[${name}]` : name}:${port.trim()}`;
  const rank = priority.trim();
  return rank === '' || rank === '0' ? place : `${place}/pri=${rank}`;
}

export function isBlank({ host, port, priority }: DestinationRow): boolean {
  return `${host}${port}${priority}`.trim() === '';
}
