/** Writes protobuf's wire format (protobuf.dev/programming-guides/encoding), as much of it as ONNX needs. */
export class ProtobufWriter {
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  /** An integer; negative ones take ten bytes, as int64 asks. */
  integer(field: number, value: number | bigint): this {
    return this.key(field, 0).varint(BigInt(value));
  }

  float(field: number, value: number): this {
    return this.key(field, 5).raw(new Uint8Array(Float32Array.of(value).buffer));
  }

  /** Text, bytes, or a message within this one. */
  bytes(field: number, value: string | Uint8Array | ProtobufWriter): this {
    const content =
      typeof value === "string"
        ? new TextEncoder().encode(value)
        : value instanceof ProtobufWriter
          ? value.finish()
          : value;
    return this.key(field, 2).varint(BigInt(content.length)).raw(content);
  }

  finish(): Uint8Array {
    const all = new Uint8Array(this.length);
    let offset = 0;
    for (const part of this.parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  private key(field: number, wireType: number): this {
    return this.varint(BigInt(field * 8 + wireType));
  }

  private varint(value: bigint): this {
    let rest = BigInt.asUintN(64, value);
    const out: number[] = [];
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      out.push(rest > 0n ? low | 0x80 : low);
    } while (rest > 0n);
    return this.raw(Uint8Array.from(out));
  }

  private raw(part: Uint8Array): this {
    this.parts.push(part);
    this.length += part.length;
    return this;
  }
}
