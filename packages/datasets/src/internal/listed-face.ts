import { type Box, DataFormatError } from "@acr/core";
import type { DataFault } from "../data-fault.js";
import type { FaceLabels } from "../face-labels.js";
import { toFault } from "./to-fault.js";

/** A face of a list file with the line it stands on. */
export interface ListedFace extends FaceLabels {
  line?: number;
}

/** Options of every parser of list files. */
export interface ListParseOptions {
  /** The file's name, for messages. */
  file: string;
  /** How many points each face must have. Default: as many as the first one. */
  landmarkCount?: number;
  /** Takes a faulty face, and the next is read. Default: the first fault is thrown. */
  onFault?(fault: DataFault): void;
}

export const MAXIMUM_COORDINATE = 1e6;
export const isCoordinate = (value: unknown): value is number =>
  typeof value === "number" && Math.abs(value) < MAXIMUM_COORDINATE;

/** Whether four numbers are a box with a size. */
export const isBox = (box: readonly unknown[]): box is Box =>
  box.length === 4 && box.every(isCoordinate) && box[2]! > box[0]! && box[3]! > box[1]!;

/** Collects faces; a fault in one goes to `onFault` or is thrown. */
export class ListCollector {
  readonly faces: ListedFace[] = [];
  private count: number | undefined;

  constructor(private readonly options: ListParseOptions) {
    this.count = options.landmarkCount;
  }

  fault(message: string, line?: number): DataFormatError {
    // What a file holds may be quoted here; a message is one line all the same.
    return new DataFormatError(message.replaceAll(/\s+/g, " "), {
      file: this.options.file,
      ...(line !== undefined && { line }),
    });
  }

  /** Adds what `read` returns. */
  add(read: () => ListedFace): void {
    try {
      const face = read();
      const count = face.landmarks.length / 2;
      this.count ??= count;
      if (count !== this.count || count === 0)
        throw this.fault(`${face.image}: expected ${this.count || "some"} points; got ${count}.`, face.line);
      this.faces.push(face);
    } catch (error) {
      const fault = toFault(error);
      if (!this.options.onFault) throw error;
      this.options.onFault(fault);
    }
  }
}
