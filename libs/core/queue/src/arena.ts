/** Pages are this large; each holds blocks of one size. */
const PAGE_OCTETS = 16_384;
/** Pages are taken from the system in groups, the larger the more there are: few large pieces leave no holes in its heap. */
const MOST_GROUPED = 64;
const GROUPED_SHARE = 16;
const BLOCK_BITS = 11;
/** Block sizes rise in steps of this: on average half a step is wasted. */
const STEP_OCTETS = 2;
const LARGEST_BLOCK = 2_048;
/** Names above are of pieces that have no page. Below lie eight GiB of pages. */
const FIRST_LARGE = 2 ** 30;

interface Page {
  readonly octets: Uint8Array;
  readonly number: number;
  blockOctets: number;
  /** Blocks that were freed, and how many from the front were ever used. */
  free: number[];
  used: number;
  live: number;
}

/**
 * Many small pieces of octets outside the reach of the garbage collector. A piece is named by a number above zero and
 * below 2^31.
 * Pages that have become empty serve any size again.
 */
export class Arena {
  readonly #pages: Page[] = [];
  /** By size class: pages with room. */
  readonly #open = new Map<number, Page[]>();
  #empty: Page[] = [];
  /** Pieces too large for a page, by name. */
  readonly #large = new Map<number, Uint8Array>();
  #lastLarge = FIRST_LARGE;
  readonly #freeLarge: number[] = [];
  #largeOctets = 0;

  /** Octets taken from the system. */
  get sizeOctets(): number {
    return this.#pages.length * PAGE_OCTETS + this.#largeOctets;
  }

  /** Keeps a copy of the piece: its length, then itself. */
  put(piece: Uint8Array): number {
    const needed = piece.length + 2;
    if (needed > LARGEST_BLOCK) return this.#putLarge(piece);
    const blockOctets = Math.ceil(needed / STEP_OCTETS) * STEP_OCTETS;
    const page = this.#pageFor(blockOctets);
    const block = page.free.pop() ?? page.used++;
    page.live += 1;
    if (page.free.length === 0 && (page.used + 1) * blockOctets > PAGE_OCTETS) this.#open.get(blockOctets)!.pop();
    const at = block * blockOctets;
    page.octets[at] = piece.length & 255;
    page.octets[at + 1] = piece.length >> 8;
    page.octets.set(piece, at + 2);
    return page.number * 2 ** BLOCK_BITS + block + 1;
  }

  /** The piece, as it lies in the arena: valid until it is freed. */
  get(name: number): Uint8Array {
    if (name > FIRST_LARGE) return this.#large.get(name)!;
    const { page, block } = this.#find(name);
    const at = block * page.blockOctets;
    const length = page.octets[at]! | (page.octets[at + 1]! << 8);
    return page.octets.subarray(at + 2, at + 2 + length);
  }

  free(name: number): void {
    if (name > FIRST_LARGE) {
      this.#largeOctets -= this.#large.get(name)!.length;
      this.#large.delete(name);
      this.#freeLarge.push(name);
      return;
    }
    const { page, block } = this.#find(name);
    const wasFull = page.free.length === 0 && (page.used + 1) * page.blockOctets > PAGE_OCTETS;
    page.free.push(block);
    page.live -= 1;
    const open = this.#open.get(page.blockOctets)!;
    if (page.live === 0) {
      if (!wasFull) open.splice(open.indexOf(page), 1);
      page.free = [];
      page.used = 0;
      this.#empty.push(page);
    } else if (wasFull) {
      open.push(page);
    }
  }

  #find(name: number): { readonly page: Page; readonly block: number } {
    const number = Math.floor((name - 1) / 2 ** BLOCK_BITS);
    return { page: this.#pages[number]!, block: (name - 1) % 2 ** BLOCK_BITS };
  }

  #pageFor(blockOctets: number): Page {
    let open = this.#open.get(blockOctets);
    if (open === undefined) {
      open = [];
      this.#open.set(blockOctets, open);
    }
    const last = open.at(-1);
    if (last !== undefined) return last;
    const page = this.#empty.pop() ?? this.#addPage();
    page.blockOctets = blockOctets;
    open.push(page);
    return page;
  }

  #addPage(): Page {
    const { length } = this.#pages;
    const count = Math.max(1, Math.min(MOST_GROUPED, Math.floor(length / GROUPED_SHARE)));
    const octets = new ArrayBuffer(count * PAGE_OCTETS);
    for (let i = 0; i < count; i++) {
      const page: Page = {
        octets: new Uint8Array(octets, i * PAGE_OCTETS, PAGE_OCTETS),
        number: length + i,
        blockOctets: 0,
        free: [],
        used: 0,
        live: 0,
      };
      this.#pages.push(page);
      if (i > 0) this.#empty.push(page);
    }
    return this.#pages[length]!;
  }

  #putLarge(piece: Uint8Array): number {
    const name = this.#freeLarge.pop() ?? ++this.#lastLarge;
    this.#large.set(name, piece.slice());
    this.#largeOctets += piece.length;
    return name;
  }
}
