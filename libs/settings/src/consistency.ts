import { isLoopback, parseEndpoint } from './endpoint.ts';
import type { SettingsFault } from './load.ts';
import type { Settings } from './schema.ts';

/** Tells whether any of the three stores is a shared one: then all three must be, and roles may run apart. */
export function isDistributed(settings: Settings): boolean {
  return (
    settings.log.kafka !== undefined || settings.configuration.redis !== undefined || settings.bodies.s3 !== undefined
  );
}

/** Faults that show only when several keys are seen together. */
export function findInconsistencies(settings: Settings): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const complain = (place: string, problem: string): void => void faults.push({ place, problem });
  if (isDistributed(settings)) {
    const needed = [
      ['log.kafka', settings.log.kafka],
      ['configuration.redis', settings.configuration.redis],
      ['bodies.s3', settings.bodies.s3],
    ] as const;
    for (const [key, value] of needed) {
      if (value === undefined)
        complain(key, `is missing: a distributed gateway needs log.kafka, configuration.redis and bodies.s3`);
    }
    if (settings.configuration.lineage === undefined) {
      complain(
        'configuration.lineage',
        'is missing: a distributed gateway must be told whose configuration it takes (see `mailyard init`)',
      );
    }
  } else if (settings.roles.length < 4) {
    const missing = (['ingress', 'routing', 'admin'] as const).filter((role) => !settings.roles.includes(role));
    if (missing.length > 0)
      complain('roles', `embedded, only the role delivery can be left out; missing: ${missing.join(', ')}`);
  }
  const withTls = settings.listeners.filter((listener) => listener.tls !== 'none');
  if (withTls.length > 0 && settings.tls === undefined)
    complain('tls', `is missing: listener ${withTls[0]!.name} speaks TLS`);
  for (const [index, { name, tls, auth, authWithoutTls }] of settings.listeners.entries()) {
    if (auth !== 'none' && tls === 'none' && !authWithoutTls)
      complain(
        `listeners[${index}].auth`,
        `needs TLS: listener ${name} takes no passwords in clear; set its tls, or authWithoutTls where nobody reads the network`,
      );
  }
  const names = settings.listeners.map((listener) => listener.name);
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index)))
    complain('listeners', `the name ${name} is used twice`);
  faults.push(...findSharedAddresses(settings));
  // Both follow the configuration log themselves.
  const hasTable = settings.roles.includes('routing') || settings.roles.includes('admin');
  if (isDistributed(settings) && !hasTable && settings.routing.addresses.length === 0) {
    complain(
      'routing.addresses',
      'is missing: this process has neither role routing nor admin and must be told where routing is',
    );
  }
  if (isDistributed(settings) && hasTable) faults.push(...findPeerFaults(settings.grpc));
  faults.push(...findOpenDoors(settings.grpc));
  return faults;
}

/** Two that listen at the same address and port: whichever starts second would not start. Port 0 is any that is free. */
function findSharedAddresses({ roles, listeners, grpc, http }: Settings): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const taken = new Map<string, string>();
  const own = roles.includes('ingress')
    ? listeners.map(({ address }, index) => [`listeners[${index}].address`, address] as const)
    : [];
  for (const [place, address] of [...own, ['grpc.address', grpc.address], ['http.address', http.address]] as const) {
    const other = taken.get(address);
    if (other !== undefined) faults.push({ place, problem: `${address} is that of ${other}` });
    if (parseEndpoint(address)?.port !== 0) taken.set(address, place);
  }
  return faults;
}

/** Beyond loopback callers are known and nobody listens in, or gRPC does not start. */
function findOpenDoors({ address, tls, tokens }: Settings['grpc']): SettingsFault[] {
  if (isLoopback(address)) return [];
  const where = `: grpc.address ${address} is reachable from elsewhere`;
  if (tls === undefined) return [{ place: 'grpc.tls', problem: `is missing${where}` }];
  if (tls.clientAuthority !== undefined || tokens.length > 0) return [];
  return [{ place: 'grpc.tls.clientAuthority', problem: `is missing, and so is grpc.tokens${where}` }];
}

/** A process that asks others for their queues must be let in: those have the same callers as this one. */
function findPeerFaults({ tokens, certificates, tls, peers }: Settings['grpc']): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const hasCertificate = peers.certificate !== undefined && peers.key !== undefined;
  if ((tokens.length > 0 || certificates.length > 0) && peers.token === undefined && !hasCertificate)
    faults.push({
      place: 'grpc.peers.token',
      problem: 'is missing: without a token (role operator) or a certificate, other processes do not tell their queues',
    });
  if (tls?.clientAuthority !== undefined && !hasCertificate)
    faults.push({
      place: 'grpc.peers.certificate',
      problem: 'is missing, or its key: with grpc.tls.clientAuthority every caller must show a certificate',
    });
  else if ((peers.certificate === undefined) !== (peers.key === undefined))
    faults.push({ place: 'grpc.peers', problem: 'has one of certificate and key; both are needed' });
  return faults;
}
