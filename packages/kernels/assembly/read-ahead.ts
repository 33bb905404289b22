// Reading ahead: while a block of rows is computed, what the next one needs is loaded into the cache, a few lines between two
// tiles. Otherwise memory rests while tiles are computed and all wait for it while rows are packed; and the processor's own
// prefetcher, which stops at the end of each page of 4 KiB, goes on where loads lead it. WebAssembly has no prefetch, but a
// load whose value nobody takes is one: it may trap, so no compiler leaves it out. Each thread has globals of its own.
const LINE: usize = 64;

let next0: usize = 0, next1: usize = 0, next2: usize = 0, next3: usize = 0;
let end0: usize = 0, end1: usize = 0, end2: usize = 0, end3: usize = 0;
let step0: usize = 0, step1: usize = 0, step2: usize = 0, step3: usize = 0;

/** Bytes of a turn, in whole lines, so that `turns` of them are at least `bytes`. */
// @ts-ignore: decorator
@inline
function stepOf(bytes: usize, turns: i32): usize {
  return (bytes / <usize>turns + LINE) & ~(LINE - 1);
}

/** Sets up to four pieces of memory (0 bytes: none) that the next `turns` calls of `readAhead` load between them. */
export function startReadingAhead(
  turns: i32, from0: usize, bytes0: usize, from1: usize, bytes1: usize, from2: usize, bytes2: usize, from3: usize, bytes3: usize,
): void {
  next0 = from0; end0 = from0 + bytes0; step0 = stepOf(bytes0, turns);
  next1 = from1; end1 = from1 + bytes1; step1 = stepOf(bytes1, turns);
  next2 = from2; end2 = from2 + bytes2; step2 = stepOf(bytes2, turns);
  next3 = from3; end3 = from3 + bytes3; step3 = stepOf(bytes3, turns);
}

// @ts-ignore: decorator
@inline
function touch(from: usize, end: usize, step: usize): usize {
  const stop = min<usize>(from + step, end);
  for (; from < stop; from += LINE) load<u8>(from);
  return from;
}

/** Loads the next lines of each piece. */
export function readAhead(): void {
  if (next0 < end0) next0 = touch(next0, end0, step0);
  if (next1 < end1) next1 = touch(next1, end1, step1);
  if (next2 < end2) next2 = touch(next2, end2, step2);
  if (next3 < end3) next3 = touch(next3, end3, step3);
}
