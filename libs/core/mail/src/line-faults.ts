/** A CR without LF or an LF without CR: what lets a next hop see the end of a message where we see none. */
export const BARE_LINE_END = 1;
/** A dot behind an LF: what must be doubled before it is sent. */
export const LEADING_DOT = 2;

/** Octets that are looked at in one go; a multiple of a vector. */
const SECTION = 65_536;
const VECTOR = 16;

/**
 * The search, sixteen octets at a time: `scan(at, end)` looks at the octets of its memory from `at` on until it is at or
 * behind `end`, each with the one before it.
 *
 * In JavaScript it is a loop by octet, or a text to run a pattern over: four to five times dearer, at 40 KiB a tenth of all
 * that relaying a message costs, and as much garbage as there is content. Assembled from this by `wat2wasm`:
 *
 * ```wat
 * (module
 *   (memory (export "memory") 2)
 *   (func (export "scan") (param $at i32) (param $end i32) (result i32)
 *     (local $octets v128) (local $before v128) (local $bare v128) (local $dots v128)
 *     (block $done
 *       (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
 *       (loop $more
 *         (local.set $octets (v128.load (local.get $at)))
 *         (local.set $before (v128.load (i32.sub (local.get $at) (i32.const 1))))
 *         (local.set $bare (v128.or (local.get $bare) (v128.xor
 *           (i8x16.eq (local.get $octets) (i8x16.splat (i32.const 10)))
 *           (i8x16.eq (local.get $before) (i8x16.splat (i32.const 13))))))
 *         (local.set $dots (v128.or (local.get $dots) (v128.and
 *           (i8x16.eq (local.get $octets) (i8x16.splat (i32.const 46)))
 *           (i8x16.eq (local.get $before) (i8x16.splat (i32.const 10))))))
 *         (local.set $at (i32.add (local.get $at) (i32.const 16)))
 *         (br_if $more (i32.lt_u (local.get $at) (local.get $end)))))
 *     (i32.or (v128.any_true (local.get $bare)) (i32.shl (v128.any_true (local.get $dots)) (i32.const 1)))))
 * ```
 */
const MODULE =
  '0061736d0100000001070160027f7f017f030201000503010002071102066d656d6f72790200047363616e00000a70016e01047b02402000' +
  '20014f0d0003402000fd0004002102200041016bfd000400210320042002410afd0ffd232003410dfd0ffd23fd51fd502104200520024' +
  '12efd0ffd232003410afd0ffd23fd4efd502105200041106a210020002001490d000b0b2004fd532005fd53410174720b';

/** What is used of WebAssembly, which the language's own types do not have. */
declare const WebAssembly: {
  readonly Module: new (octets: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Scanner {
  readonly memory: Uint8Array;
  readonly scan: (at: number, end: number) => number;
}

let scanner: Scanner | undefined;

/**
 * Judges the lines of a piece of content, as if nothing were before it and nothing came behind.
 *
 * @returns {@link BARE_LINE_END}, {@link LEADING_DOT}, both (their sum), or 0
 * @see RFC 5321 §2.3.8, §4.5.2
 */
export function lineFaults(octets: Uint8Array): number {
  scanner ??= makeScanner();
  const { memory, scan } = scanner;
  let faults = 0;
  memory[VECTOR - 1] = 0;
  for (let start = 0; start < octets.length; start += SECTION) {
    const isLast = start + SECTION >= octets.length;
    const section = octets.length <= SECTION ? octets : octets.subarray(start, start + SECTION);
    memory.set(section, VECTOR);
    let end = VECTOR + section.length;
    // Behind the last octet stands one more: a CR at the end is bare.
    if (isLast) memory.fill(0, end, ++end + VECTOR);
    faults |= scan(VECTOR, end);
    memory[VECTOR - 1] = section.at(-1)!;
  }
  return faults;
}

function makeScanner(): Scanner {
  const octets = Uint8Array.from({ length: MODULE.length / 2 }, (_, i) =>
    Number.parseInt(MODULE.slice(2 * i, 2 * i + 2), 16),
  );
  const exports = new WebAssembly.Instance(new WebAssembly.Module(octets)).exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly scan: Scanner['scan'];
  };
  return { memory: new Uint8Array(exports.memory.buffer), scan: exports.scan };
}
