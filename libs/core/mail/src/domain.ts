import { toASCII } from 'tr46';

/** A domain name in the form it is compared in: A-labels, lower case, no trailing dot (rule R20). */
export type Domain = string & { readonly __brand: 'Domain' };

/** Labels of 1 to 63 characters each. */
const PLAIN = /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
const EDGE_HYPHEN = /(?:^|\.)-|-(?:\.|$)/;

/**
 * Brings a domain name into the form it is compared in: one UTS 46 conversion (non-transitional) for every reader,
 * so that the recipient access table, the routes and the cache never disagree.
 *
 * @param name as typed or received; U-labels, any case and one trailing root dot are taken
 * @returns undefined when it is no domain name or does not convert: empty labels, a label over 63 octets, over 253 in
 * all, characters other than letters, digits, hyphen and underscore (R9), a hyphen at either end of a label
 * @see RFC 5890 §2.3.2.1, RFC 1035 §2.3.1, rules R7, R9, R20
 */
export function parseDomain(name: string): Domain | undefined {
  let domain = name.toLowerCase();
  if (!PLAIN.test(domain) || domain.includes('xn--')) {
    if (name.length > 1024) return undefined;
    const converted = toASCII(name, {
      checkBidi: true,
      checkHyphens: false,
      checkJoiners: true,
      useSTD3ASCIIRules: false,
      verifyDNSLength: false,
      transitionalProcessing: false,
      ignoreInvalidPunycode: false,
    });
    if (converted === null) return undefined;
    domain = converted.endsWith('.') ? converted.slice(0, -1) : converted;
    if (!PLAIN.test(domain)) return undefined;
  }
  if (domain.length > 253 || (domain.includes('-') && EDGE_HYPHEN.test(domain))) return undefined;
  return domain as Domain;
}
