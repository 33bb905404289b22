import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "./internal/crc32c.js";
import { TensorBoardWriter } from "./tensorboard-writer.js";

const folder = mkdtempSync(join(tmpdir(), "acr-tensorboard-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Fields = Map<number, (number | bigint | Buffer)[]>;

/** A decoder of its own for the protocol-buffer wire format. */
function decode(bytes: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    let value: number | bigint | Buffer;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 1) {
      value = bytes.readDoubleLE(at);
      at += 8;
    } else if ((key & 7) === 5) {
      value = bytes.readFloatLE(at);
      at += 4;
    } else {
      const length = Number(varint());
      value = bytes.subarray(at, at + length);
      at += length;
    }
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

/** The events of a file; checks lengths and checksums. */
function read(path: string): Fields[] {
  const bytes = readFileSync(path);
  const events: Fields[] = [];
  const isRight = (data: Buffer, stored: number) => {
    const unmasked = (stored - 0xa282ead8) >>> 0;
    return ((unmasked << 15) | (unmasked >>> 17)) >>> 0 === crc32c(data);
  };
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(isRight(bytes.subarray(at, at + 8), bytes.readUInt32LE(at + 8))).toBe(true);
    expect(isRight(data, bytes.readUInt32LE(at + 12 + length))).toBe(true);
    events.push(decode(data));
    at += 16 + length;
  }
  return events;
}

const valueIn = (event: Fields) => decode(decode(event.get(5)![0] as Buffer).get(1)![0] as Buffer);
const doubles = (bytes: Buffer) => Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(i * 8));

it("crc32c gives the check values of RFC 3720 and of the catalogue", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
});

it("TensorBoardWriter writes events that decode to what went in", async () => {
  const log = await TensorBoardWriter.open(join(folder, "a"), { now: () => 1000.5 });
  log.scalar("loss", 0.25, 3_000_000_000);
  log.histogram("weights", [0, 1, 2, 3, 4, Number.NaN], { step: 2, bins: 4 });
  log.text("recipe", "**é**", 0);
  log.image("faces", Uint8Array.of(1, 2, 3), { step: 1, width: 20, height: 10 });
  log.restart(7);
  await log.close();
  const [version, scalar, histogram, text, image, session] = read(log.path);
  expect(String(version!.get(3)![0])).toBe("brain.Event:2");
  expect(scalar!.get(1)).toEqual([1000.5]);
  expect(scalar!.get(2)).toEqual([3_000_000_000n]);
  expect(String(valueIn(scalar!).get(1)![0])).toBe("loss");
  expect(valueIn(scalar!).get(2)).toEqual([0.25]);

  const counts = decode(valueIn(histogram!).get(5)![0] as Buffer);
  expect([1, 2, 3, 4, 5].map((field) => counts.get(field)![0])).toEqual([0, 4, 5, 10, 30]);
  expect(doubles(counts.get(6)![0] as Buffer)).toEqual([0, 1, 2, 3, 4]);
  expect(doubles(counts.get(7)![0] as Buffer)).toEqual([0, 1, 1, 1, 2]);

  expect(String(decode(valueIn(text!).get(8)![0] as Buffer).get(8)![0])).toBe("**é**");
  const picture = decode(valueIn(image!).get(4)![0] as Buffer);
  expect([picture.get(1)![0], picture.get(2)![0]]).toEqual([10n, 20n]);
  expect(session!.get(2)).toEqual([7n]);
  expect(decode(session!.get(7)![0] as Buffer).get(1)).toEqual([1n]);
});

it("TensorBoardWriter writes nothing before flush, and a histogram of one value or none", async () => {
  const log = await TensorBoardWriter.open(join(folder, "b"));
  log.histogram("one", [2, 2, 2], { step: 0 });
  log.histogram("none", [Number.NaN], { step: 0 });
  expect(readFileSync(log.path).length).toBe(0);
  await log.flush();
  expect(read(log.path)).toHaveLength(2);
  await log.close();
});

it("TensorBoardWriter refuses steps that are no counts and folders that are files", async () => {
  const log = await TensorBoardWriter.open(join(folder, "c"));
  expect(() => log.scalar("loss", 1, 1.5)).toThrow("step must be an integer >= 0; got 1.5");
  expect(() => log.scalar("loss", 1, -1)).toThrow("step must be");
  await log.close();
  writeFileSync(join(folder, "file"), "");
  await expect(TensorBoardWriter.open(join(folder, "file", "x"))).rejects.toThrow("a part of the path is a file");
});
