let tables: readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array] | undefined;

/** Tables of the reversed polynomial 0xEDB88320, for four bytes at a time. */
function makeTables(): NonNullable<typeof tables> {
  const [t0, t1, t2, t3] = [0, 1, 2, 3].map(() => new Uint32Array(256)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    t0[n] = c;
  }
  for (const [table, before] of [
    [t1, t0],
    [t2, t1],
    [t3, t2],
  ] as const)
    for (let n = 0; n < 256; n++) table[n] = (before[n]! >>> 8) ^ t0[before[n]! & 255]!;
  return [t0, t1, t2, t3];
}

/**
 * CRC-32 of bytes (IEEE 802.3), as in zip archives and PNG pictures. In JavaScript, for browsers and for Node before 20.15,
 * whose zlib has none.
 *
 * @example crc32(new TextEncoder().encode("123456789")); // 0xcbf43926
 */
export function crc32(bytes: Uint8Array): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3] = tables;
  let c = -1;
  const whole = bytes.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c = t3[c & 255]! ^ t2[(c >>> 8) & 255]! ^ t1[(c >>> 16) & 255]! ^ t0[c >>> 24]!;
  }
  for (let i = whole; i < bytes.length; i++) c = t0[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}
