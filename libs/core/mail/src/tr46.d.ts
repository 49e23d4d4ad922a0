declare module 'tr46' {
  export interface Options {
    checkBidi: boolean;
    checkHyphens: boolean;
    checkJoiners: boolean;
    useSTD3ASCIIRules: boolean;
    verifyDNSLength: boolean;
    transitionalProcessing: boolean;
    ignoreInvalidPunycode: boolean;
  }
  export function toASCII(domain: string, options: Options): string | null;
  export function toUnicode(domain: string, options: Partial<Options>): { domain: string; error: boolean };
}
