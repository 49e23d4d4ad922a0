/** Octets that are looked at in one go; a multiple of a vector. */
const SECTION = 65_536;
const VECTOR = 16;
const IN = VECTOR;
const OUT = IN + SECTION + VECTOR;

/**
 * Makes each run of blanks one space and takes those at line ends away: `relax(at, end, to)` reads the octets of its
 * memory from `at` to `end`, writes what is left from `to` on, and tells where that ends. A run that goes on in the next
 * octets is remembered in `blank`. Sixteen octets at a time where nothing is to be done to them.
 *
 * In JavaScript it is a loop by octet, twice to eight times dearer than this, or a text to run patterns over, up to ten
 * times dearer (docs/decisions/0015-own-dkim-signer.md). Assembled from this by `wat2wasm`:
 *
 * ```wat
 * (module
 *   (memory (export "memory") 3)
 *   (global $blank (export "blank") (mut i32) (i32.const 0))
 *   (func (export "relax") (param $at i32) (param $end i32) (param $to i32) (result i32)
 *     (local $octets v128) (local $before v128) (local $octet i32)
 *     (block $done
 *       (loop $more
 *         (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
 *         (if (i32.and (i32.eqz (global.get $blank)) (i32.le_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
 *           (then
 *             (local.set $octets (v128.load (local.get $at)))
 *             (local.set $before (v128.load (i32.sub (local.get $at) (i32.const 1))))
 *             (if (i32.eqz (v128.any_true (v128.or
 *                   (i8x16.eq (local.get $octets) (i8x16.splat (i32.const 9)))
 *                   (v128.and
 *                     (i8x16.eq (local.get $before) (i8x16.splat (i32.const 32)))
 *                     (v128.or
 *                       (i8x16.eq (local.get $octets) (i8x16.splat (i32.const 32)))
 *                       (i8x16.eq (local.get $octets) (i8x16.splat (i32.const 13))))))))
 *               (then
 *                 (v128.store (local.get $to) (local.get $octets))
 *                 (global.set $blank (i32.eq (i8x16.extract_lane_u 15 (local.get $octets)) (i32.const 32)))
 *                 (local.set $to (i32.sub (i32.add (local.get $to) (i32.const 16)) (global.get $blank)))
 *                 (local.set $at (i32.add (local.get $at) (i32.const 16)))
 *                 (br $more)))))
 *         (local.set $octet (i32.load8_u (local.get $at)))
 *         (local.set $at (i32.add (local.get $at) (i32.const 1)))
 *         (if (i32.or (i32.eq (local.get $octet) (i32.const 32)) (i32.eq (local.get $octet) (i32.const 9)))
 *           (then (global.set $blank (i32.const 1)) (br $more)))
 *         (if (global.get $blank)
 *           (then
 *             (global.set $blank (i32.const 0))
 *             (if (i32.ne (local.get $octet) (i32.const 13))
 *               (then
 *                 (i32.store8 (local.get $to) (i32.const 32))
 *                 (local.set $to (i32.add (local.get $to) (i32.const 1)))))))
 *         (i32.store8 (local.get $to) (local.get $octet))
 *         (local.set $to (i32.add (local.get $to) (i32.const 1)))
 *         (br $more)))
 *     (local.get $to)))
 * ```
 */
const MODULE =
  '0061736d0100000001080160037f7f7f017f0302010005030100030606017f0141000b071a03066d656d6f7279020005626c616e6b030005' +
  '72656c617800000adc0101d90102027b017f02400340200020014f0d01230045200041106a20014d7104402000fd0004002103200041016b' +
  'fd000400210420034109fd0ffd2320044120fd0ffd2320034120fd0ffd232003410dfd0ffd23fd50fd4efd50fd5345044020022003fd0b04' +
  '002003fd160f4120462400200241106a23006b2102200041106a21000c020b0b20002d00002105200041016a210020054120462005410946' +
  '720440410124000c010b23000440410024002005410d470440200241203a0000200241016a21020b0b200220053a0000200241016a21020c' +
  '000b0b20020b';

/** What is used of WebAssembly, which the language's own types do not have. */
declare const WebAssembly: {
  readonly Module: new (octets: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Relaxer {
  readonly memory: Uint8Array;
  readonly blank: { value: number };
  readonly relax: (at: number, end: number, to: number) => number;
}

let relaxer: Relaxer | undefined;

/**
 * Relaxes the blanks of a piece of content (RFC 6376 §3.4.4 a).
 *
 * @param isBlankBefore the piece before ended in blanks that were not given out
 * @param emit takes what is left; the octets are only lent
 * @returns whether this one ends in blanks
 */
export function relaxBlanks(octets: Uint8Array, isBlankBefore: boolean, emit: (octets: Uint8Array) => void): boolean {
  relaxer ??= makeRelaxer();
  const { memory, blank, relax } = relaxer;
  let isBlank = isBlankBefore;
  for (let start = 0; start < octets.length; start += SECTION) {
    const section = octets.length <= SECTION ? octets : octets.subarray(start, start + SECTION);
    // The octet before the first: blanks before it are told by `blank`.
    memory[IN - 1] = 0;
    memory.set(section, IN);
    blank.value = isBlank ? 1 : 0;
    const end = relax(IN, IN + section.length, OUT);
    isBlank = blank.value === 1;
    if (end > OUT) emit(memory.subarray(OUT, end));
  }
  return isBlank;
}

function makeRelaxer(): Relaxer {
  const octets = Uint8Array.from({ length: MODULE.length / 2 }, (_, i) =>
    Number.parseInt(MODULE.slice(2 * i, 2 * i + 2), 16),
  );
  const exports = new WebAssembly.Instance(new WebAssembly.Module(octets)).exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly blank: Relaxer['blank'];
    readonly relax: Relaxer['relax'];
  };
  return { memory: new Uint8Array(exports.memory.buffer), blank: exports.blank, relax: exports.relax };
}
