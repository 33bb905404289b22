import { DataFormatError, type Face, InvalidArgumentError, type LandmarkScheme, type RgbImage } from "@acr/core";
import type { DataFault } from "../data-fault.js";
import type { FaceRecord, OpenedDataset } from "../opened-dataset.js";
import { decodeFile } from "./decode-file.js";

/** What a reader found. */
export interface Scan {
  records: FaceRecord[];
  faults: DataFault[];
}

/** Reads the pixels of a record that has no file of its own. */
type PixelReader = (index: number) => Promise<RgbImage>;

/** A data set whose annotations are in memory and whose pictures are decoded on demand. */
export class RecordedDataset implements OpenedDataset {
  readonly faults: readonly DataFault[];
  private readonly records: readonly FaceRecord[];

  constructor(
    readonly name: string,
    readonly scheme: LandmarkScheme,
    scan: Scan,
    private readonly readPixels?: PixelReader,
  ) {
    this.records = scan.records;
    this.faults = scan.faults;
  }

  get length(): number {
    return this.records.length;
  }

  get skipped(): number {
    return this.faults.length;
  }

  describe(index: number): FaceRecord {
    const record = this.records[index];
    if (!record)
      throw new InvalidArgumentError(`${this.name}: index must be an integer in [0, ${this.length}); got ${index}.`);
    return record;
  }

  async get(index: number): Promise<Face> {
    const { file, ...record } = this.describe(index);
    const image = file !== undefined ? await decodeFile(file) : await this.readPixels!(index);
    return { ...record, image, scheme: this.scheme };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Face> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }
}

/** Turns a scan into a data set; faults stop it unless they may be skipped. */
export function openScan(
  name: string,
  scheme: LandmarkScheme,
  scan: Scan,
  { skipFaulty = false, readPixels }: { skipFaulty?: boolean; readPixels?: PixelReader } = {},
): RecordedDataset {
  const { records, faults } = scan;
  const [first] = faults;
  if (first && !skipFaulty) {
    const more = faults.length > 1 ? ` And ${faults.length - 1} more faults: inspect the data set to list them.` : "";
    throw new DataFormatError(
      `${first.message}${more} Or leave faulty samples out with skipFaulty (--skip-faulty).`,
      first,
    );
  }
  if (records.length === 0)
    throw new DataFormatError(
      `all ${faults.length} samples are faulty; none is left. First: ${first!.message}`,
      first!,
    );
  return new RecordedDataset(name, scheme, scan, readPixels);
}
