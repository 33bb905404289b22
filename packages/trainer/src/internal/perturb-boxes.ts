import { type Box, createRandom, type FaceDataset } from "@acr/core";

type Described = { describe(index: number): { readonly box: Box } };

/**
 * The same faces in boxes as a careless detector gives them: the centre moves by a normal share of the side on each
 * axis, and the side is multiplied by e to the power of another.
 *
 * @param strength - standard deviation of all three, a fraction of the box.
 * @param seed - with the index alone it determines the box of a face.
 */
export function perturbBoxes(
  faces: FaceDataset,
  { strength, seed }: { strength: number; seed: number | string },
): FaceDataset {
  const random = createRandom(seed).fork("box-noise");
  const moved = (index: number, [x0, y0, x1, y1]: Box): Box => {
    const own = random.fork(index);
    const [width, height] = [x1 - x0, y1 - y0];
    const x = (x0 + x1) / 2 + own.normal(0, strength) * width;
    const y = (y0 + y1) / 2 + own.normal(0, strength) * height;
    const half = Math.exp(own.normal(0, strength)) / 2;
    return [x - half * width, y - half * height, x + half * width, y + half * height];
  };
  const get = async (index: number) => {
    const face = await faces.get(index);
    return { ...face, box: moved(index, face.box) };
  };
  const { describe } = faces as Partial<Described>;
  return {
    name: faces.name,
    length: faces.length,
    scheme: faces.scheme,
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < faces.length; i++) yield get(i);
    },
    // Data sets that describe faces without decoding let threads read the pictures; that must not be lost.
    ...(describe && {
      describe: (index: number) => {
        const record = describe.call(faces, index);
        return { ...record, box: moved(index, record.box) };
      },
    }),
  } as FaceDataset;
}
