import type { DestinationKey, WaitingDomains } from '@mailyard/delivery-rules';
import { type Address, type AddressLiteral, type Domain, domainOf } from '@mailyard/mail';
import type { RouteDecision, RouteLookup } from '@mailyard/smtp-routes';
import { Binding, bindingName } from './binding.ts';
import type { Destination } from './destination.ts';

/** Lookups that were not answered are repeated in portions of this size, once a second. */
const ASKED_AGAIN = 1_000;

/** The recipient domains that have mail, each bound to where the route table sends it now (R30, I11). */
export class Bindings {
  readonly #routes: RouteLookup;
  readonly #waiting: WaitingDomains;
  readonly #hostname: Domain;
  readonly #destinationOf: (decision: RouteDecision, binding: Binding) => Destination | undefined;
  readonly #keyOf: (decision: RouteDecision, binding: Binding) => DestinationKey | '/dev/null';
  readonly #bound: (binding: Binding) => void;
  readonly #byName = new Map<string, Binding>();
  /** Virtual gateways that some mail had. */
  readonly #gateways = new Set<string>();
  readonly #byNumber: (Binding | undefined)[] = [];
  readonly #unknown = new Set<Binding>();
  /** Those that changed while somebody follows them. */
  #changed: Set<Binding> | undefined;

  /**
   * @param hostname the domain of this system
   * @param bound called when a lookup that took its time has bound a domain
   */
  constructor(
    routes: RouteLookup,
    waiting: WaitingDomains,
    hostname: Domain,
    destinationOf: (decision: RouteDecision, binding: Binding) => Destination | undefined,
    keyOf: (decision: RouteDecision, binding: Binding) => DestinationKey | '/dev/null',
    bound: (binding: Binding) => void,
  ) {
    this.#routes = routes;
    this.#waiting = waiting;
    this.#hostname = hostname;
    this.#destinationOf = destinationOf;
    this.#keyOf = keyOf;
    this.#bound = bound;
  }

  get size(): number {
    return this.#byName.size;
  }

  [Symbol.iterator](): IterableIterator<Binding> {
    return this.#byName.values();
  }

  of(domain: Domain | AddressLiteral, gateway?: string): Binding {
    const name = bindingName(domain, gateway);
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const own = flat(domain);
    const binding = new Binding(own, gateway, this.#waiting.open());
    if (gateway !== undefined) this.#gateways.add(gateway);
    this.#byName.set(gateway === undefined ? own : name, binding);
    this.#byNumber[binding.number] = binding;
    return binding;
  }

  /** That of a recipient. A bare <postmaster> is the one of this system (RFC 5321 §4.5.1). */
  ofPath(forwardPath: Address, gateway: string | undefined): Binding {
    return this.of(domainOf(forwardPath) || this.#hostname, gateway);
  }

  find(domain: string, gateway: string | undefined): Binding | undefined {
    return this.#byName.get(bindingName(domain, gateway));
  }

  /** Those of a domain, whatever their virtual gateway. */
  ofDomain(domain: string): readonly Binding[] {
    return [undefined, ...this.#gateways].flatMap((gateway) => this.find(domain, gateway) ?? []);
  }

  numbered(number: number): Binding | undefined {
    return this.#byNumber[number];
  }

  /**
   * Binds a domain if routing is known to say where to. Where it must be asked first, or does not know, the domain
   * waits: unknown is never "not found".
   */
  bind(binding: Binding): boolean {
    if (binding.state === 'bound') return true;
    const decision = this.#routes.peek(binding.domain);
    if (decision !== undefined) {
      this.#apply(binding, decision);
      return true;
    }
    this.#ask(binding);
    return false;
  }

  #ask(binding: Binding): void {
    if (binding.state === 'asked') return;
    binding.state = 'asked';
    const { changes } = binding;
    this.#routes.lookup(binding.domain).then(
      (answer) => this.#answered(binding, changes, answer),
      () => this.#answered(binding, changes, 'unknown'),
    );
  }

  #answered(binding: Binding, changes: number, answer: RouteDecision | 'unknown'): void {
    // The table changed meanwhile: the answer may be of the old one.
    if (binding.changes !== changes || binding.state !== 'asked') return;
    if (answer === 'unknown') {
      binding.state = 'unknown';
      this.#unknown.add(binding);
      return;
    }
    this.#apply(binding, answer);
    this.#bound(binding);
  }

  #apply(binding: Binding, decision: RouteDecision): void {
    this.#unknown.delete(binding);
    binding.bind(decision, this.#destinationOf(decision, binding));
    this.#changed?.add(binding);
  }

  /** The version since which the answer for a domain stands, if routing says so at once. */
  since(binding: Binding): number | undefined {
    return binding.state === 'bound' ? binding.since : this.#routes.peek(binding.domain)?.since;
  }

  /** Where a domain would go now; undefined when that is not known. */
  keyOf(binding: Binding): DestinationKey | '/dev/null' | undefined {
    const { state, destination, domain } = binding;
    if (state === 'bound') return destination?.key ?? '/dev/null';
    if (binding.key === undefined) {
      const decision = this.#routes.peek(domain);
      if (decision !== undefined) binding.key = this.#keyOf(decision, binding);
    }
    return binding.key;
  }

  /** The table changed: the domain is to be looked up anew. */
  unbind(binding: Binding): void {
    this.#unknown.delete(binding);
    binding.unbind();
    this.#changed?.add(binding);
  }

  /** The key of where an unbound domain leads is to be found anew. */
  forgetKey(binding: Binding): void {
    binding.key = undefined;
    this.#changed?.add(binding);
  }

  /** More recipients of a domain are without a final outcome, or fewer. */
  count(binding: Binding, by: number): void {
    binding.recipients += by;
    this.#changed?.add(binding);
  }

  // ---- for views

  /**
   * Which domains have other recipients, or may lead elsewhere, since the last call; all of them at the first. From then
   * on changes are noted, until {@link endChanges}.
   */
  takeChanges(): Iterable<Binding> {
    const changed = this.#changed ?? this.#byName.values();
    this.#changed = new Set();
    return changed;
  }

  /** How many there are to take. */
  get changeCount(): number {
    return this.#changed?.size ?? this.#byName.size;
  }

  endChanges(): void {
    this.#changed = undefined;
  }

  /** Asks again for what routing did not know. Once a second. */
  askAgain(): void {
    let left = ASKED_AGAIN;
    for (const binding of this.#unknown) {
      this.#unknown.delete(binding);
      if (this.bind(binding)) this.#bound(binding);
      left -= 1;
      if (left === 0) return;
    }
  }

  /** Forgets domains without mail. */
  collect(): void {
    for (const [name, binding] of this.#byName) {
      if (binding.recipients > 0 || binding.state === 'asked' || !this.#waiting.close(binding.number)) continue;
      this.unbind(binding);
      this.#byName.delete(name);
      this.#byNumber[binding.number] = undefined;
    }
  }
}

/** The text as a piece of its own: V8 keeps a part that was cut out of an address together with the whole address. */
function flat<Text extends string>(text: Text): Text {
  return Buffer.from(text).toString() as Text;
}
