import { type Face, type FaceDataset, InvalidArgumentError } from "@acr/core";

/** A data set and how much of it an epoch shows. */
export interface MixedSource {
  faces: FaceDataset;
  /** Indices into `faces`, in the order of the mixture; an index may come more than once. */
  indices: ArrayLike<number>;
}

/** Annotations without pixels, as the readers of `@acr/datasets` give them. */
type Describing = FaceDataset & { describe(index: number): object };

/**
 * One data set out of parts of others, for training on several at once. Ids start with the name of their data set.
 *
 * @throws {InvalidArgumentError} no sources, or their landmark schemes differ.
 * @example const both = mixedFaces([{ faces: a, indices: [0, 1] }, { faces: b, indices: [5, 5] }]); // 4 faces
 */
export function mixedFaces(sources: readonly MixedSource[]): FaceDataset {
  const [first] = sources;
  if (!first) throw new InvalidArgumentError("mixedFaces: expected at least one source; got none.");
  for (const { faces } of sources) {
    if (faces.scheme.id !== first.faces.scheme.id)
      throw new InvalidArgumentError(
        `mixedFaces: all faces must have one landmark scheme; ${first.faces.name} has ${first.faces.scheme.id}, ${faces.name} has ${faces.scheme.id}.`,
      );
  }
  const length = sources.reduce((sum, { indices }) => sum + indices.length, 0);
  const locate = (index: number): { faces: FaceDataset; at: number } => {
    let left = index;
    for (const { faces, indices } of sources) {
      if (left < indices.length) return { faces, at: indices[left]! };
      left -= indices.length;
    }
    throw new InvalidArgumentError(`mixedFaces: index must be an integer from 0 to ${length - 1}; got ${index}.`);
  };
  const rename = <T extends object>(face: T, name: string): T => ({
    ...face,
    id: `${name}/${(face as { id: string }).id}`,
  });
  const canDescribe = sources.every(({ faces }) => typeof (faces as Partial<Describing>).describe === "function");
  return {
    name: sources.map(({ faces }) => faces.name).join("+"),
    length,
    scheme: first.faces.scheme,
    get: async (index: number): Promise<Face> => {
      const { faces, at } = locate(index);
      return rename(await faces.get(at), faces.name);
    },
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < length; i++) yield await this.get(i);
    },
    // Lets the loader read annotations and decode in threads as it does for a single data set.
    ...(canDescribe && {
      describe: (index: number) => {
        const { faces, at } = locate(index);
        return rename((faces as Describing).describe(at), faces.name);
      },
    }),
  };
}
