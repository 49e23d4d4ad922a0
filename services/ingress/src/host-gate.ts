import { type HostNames, type HostVerdict, type ListenerHosts, UNLISTED } from '@mailyard/access';
import { type Domain, type Reply, reply } from '@mailyard/mail';
import type { Greeting, InjectionSession } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';
import { verifiedNames } from './host-names.ts';
import type { Access, AccessSource } from './ports.ts';
import { flowOf, SessionFlow } from './session-flow.ts';

const GREETING: Greeting = { code: 220, text: '' };
const NOT_READY = reply(421, '4.3.2', 'Not ready, try again later');
const TOO_MANY = reply(421, '4.7.0', 'Too many connections from your address');
const TOO_MANY_MESSAGES = reply(421, '4.7.0', 'Too many messages for this session');
const NEEDS_TLS = reply(530, '5.7.0', 'Must issue a STARTTLS command first');

/** Lets the clients of one listener in as the host access table says (R120 to R127). */
export class HostGate {
  readonly #listener: string;
  readonly #access: AccessSource;
  readonly #dns: HostNames;
  /** Connections of the clients whose policy bounds them. */
  readonly #connections = new Map<string, number>();

  constructor(listener: string, access: AccessSource, dns: HostNames) {
    this.#listener = listener;
    this.#access = access;
    this.#dns = dns;
  }

  /** Judges a client that has connected. What holds for it stands in its session from then on. */
  admit(session: InjectionSession): Greeting | 'reset' | Promise<Greeting | 'reset'> {
    const flow = new SessionFlow();
    session.state = flow;
    const access = this.#access.current();
    const hosts = access?.hosts.of(this.#listener);
    if (access === undefined || hosts === undefined || hosts.isEmpty) {
      if (access !== undefined) beFree(flow, access);
      this.#open(session);
      return GREETING;
    }
    flow.isListed = true;
    flow.countsRecipients = access.hosts.countsRecipients;
    if (!hosts.asksForNames(session.clientAddress)) return this.#judge(session, hosts);
    return verifiedNames(this.#dns, session.clientAddress).then((names) => this.#judge(session, hosts, names));
  }

  #judge(session: InjectionSession, hosts: ListenerHosts, names?: readonly Domain[]): Greeting | 'reset' {
    const { icid, clientAddress } = session;
    const verdict = hosts.verdict(clientAddress, names ?? []);
    const { action, group, source, policy } = verdict;
    flowOf(session).verdict = verdict;
    this.#open(session, names);
    publishMailEvent({ kind: 'injectionJudged', icid, action, group, source, policy });
    if (!session.gone) return this.#greet(session, verdict);
    // It went while its names were looked up; nobody tells of its end again.
    this.release(session);
    return 'reset';
  }

  #greet(session: InjectionSession, { action, limits }: HostVerdict): Greeting | 'reset' {
    if (action === 'TCPREFUSE') return 'reset';
    if (action === 'REJECT' && limits.delayedRejection !== true) return rejection(limits);
    const { maxConcurrency, maxMessageOctets, maxRecipients, hostname, bannerText = '', tls } = limits;
    if (maxConcurrency !== undefined && !this.#count(session, maxConcurrency)) return TOO_MANY;
    return {
      code: 220,
      // The code and text of a delayed rejection are for RCPT.
      text: action === 'REJECT' ? '' : bannerText,
      ...(hostname === undefined ? {} : { hostname }),
      ...(maxMessageOctets === undefined ? {} : { maxMessageOctets }),
      ...(maxRecipients === undefined ? {} : { maxRecipients }),
      ...(tls === 'off' ? { withoutTls: true } : {}),
    };
  }

  /** @returns false when the client has as many connections as it may */
  #count(session: InjectionSession, limit: number): boolean {
    const { clientAddress: address } = session;
    const open = this.#connections.get(address) ?? 0;
    if (open >= limit) {
      publishMailEvent({ kind: 'injectionRefused', listener: this.#listener, address, reason: TOO_MANY.text });
      return false;
    }
    this.#connections.set(address, open + 1);
    flowOf(session).isCounted = true;
    return true;
  }

  /** Why a client may not begin a message now; undefined where it may. */
  refusal(session: InjectionSession, access: Access): Reply | undefined {
    const flow = flowOf(session);
    if (flow.verdict === undefined) {
      // It came before there was a table: it has been promised nothing, and is judged when it comes again.
      if (!access.hosts.of(this.#listener).isEmpty) return NOT_READY;
      beFree(flow, access);
    }
    if (!flow.isListed) return undefined;
    const { maxMessages = Infinity, tls } = flow.verdict!.limits;
    if (tls === 'required' && session.tls === undefined) return NEEDS_TLS;
    return flow.messages >= maxMessages ? TOO_MANY_MESSAGES : undefined;
  }

  /** A connection has ended. */
  release(session: InjectionSession): void {
    const flow = flowOf(session);
    if (!flow.isOpened) return;
    publishMailEvent({ kind: 'injectionClosed', icid: session.icid });
    if (!flow.isCounted) return;
    flow.isCounted = false;
    const left = this.#connections.get(session.clientAddress)! - 1;
    if (left === 0) this.#connections.delete(session.clientAddress);
    else this.#connections.set(session.clientAddress, left);
  }

  #open(session: InjectionSession, names?: readonly Domain[]): void {
    const { icid, clientAddress: address } = session;
    flowOf(session).isOpened = true;
    const looked = names === undefined ? {} : { names };
    publishMailEvent({ kind: 'injectionOpened', icid, listener: this.#listener, address, ...looked });
  }
}

function beFree(flow: SessionFlow, { hosts }: Access): void {
  flow.verdict = UNLISTED;
  flow.countsRecipients = hosts.countsRecipients;
}

/** What a rejected client reads in place of the greeting, which has no enhanced status (RFC 2034 §4). */
function rejection({ bannerCode = 554, bannerText = 'Access denied' }: HostVerdict['limits']): Reply {
  return { code: bannerCode, text: bannerText };
}

/** What RCPT is answered where the rejection was delayed until sender and recipient are known (R125). */
export function delayedRejection(session: InjectionSession): Reply | undefined {
  const { verdict } = flowOf(session);
  // Its address may be anyone's: it is known by name (R129).
  if (verdict?.action !== 'REJECT' || session.user !== undefined) return undefined;
  const { code, text } = rejection(verdict.limits);
  return reply(code, code < 500 ? '4.7.1' : '5.7.1', text);
}
