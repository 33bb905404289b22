import { defaultAugmentation, paperAugmentation, strongAugmentation } from "@acr/augment";
import { type Augmentation, createRandom, InvalidArgumentError } from "@acr/core";
import { type Batch, createBatches } from "@acr/datasets";
import { Command, Option } from "commander";
import { contactSheet, type SheetCell, type SheetSection } from "../internal/contact-sheet.js";
import { addFacesOptions, type FacesFlags, type OpenFaces, openFaces, splitOf } from "../internal/open-faces.js";
import { parseCount, parseInteger } from "../internal/parsers.js";
import { checkOutput, writeOutput } from "../internal/write-output.js";

const PRESETS = { default: defaultAugmentation, paper: paperAugmentation, strong: strongAugmentation };
/** Side in pixels of the pictures on the page. */
const SIZE = 160;
/** Augmented versions beside each face. */
const VERSIONS = 6;

interface ViewFlags extends FacesFlags {
  out: string;
  count: number;
  seed: number;
  augment?: keyof typeof PRESETS;
  protocol: "padded" | "detector" | "pipnet-300w" | "paper";
}

/** `acr data view`: a contact sheet. */
export function dataViewCommand(): Command {
  return addFacesOptions(new Command("view").description("draw faces with their landmarks on an HTML page"))
    .requiredOption("--out <file>", "the page to write")
    .option("--count <n>", "faces to show, spread over the data set", parseCount, 48)
    .option("--seed <n>", "of the choice and the augmentation", parseInteger, 0)
    .addOption(new Option("--augment <preset>", "show augmented versions of each face").choices(Object.keys(PRESETS)))
    .addOption(
      new Option("--protocol <name>", "how faces are cropped")
        .choices(["padded", "detector", "pipnet-300w", "paper"])
        .default("padded"),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  acr data view --dataset 300w --root ./300w --split train --out faces.html\n  acr data view --augment strong --count 12 --out augmented.html",
    )
    .action(async (flags: ViewFlags) => {
      await checkOutput("acr data view: --out", flags.out);
      const faces = await openFaces(flags);
      const { augment, seed, dataset } = flags;
      const chosen = chooseFaces(faces.length, augment ? Math.min(flags.count, 24) : flags.count, seed);
      const sections = augment
        ? await augmentedSections(faces, chosen, flags, PRESETS[augment]())
        : [{ title: "Faces", cells: await cellsOf(faces, chosen, flags) }];
      const split = splitOf(flags);
      const title = `${dataset}${split === undefined ? "" : ` ${split}`}${augment ? `, ${augment} augmentation` : ""}`;
      const lead = `${chosen.length} of ${faces.length} faces, ${faces.scheme.id}, crop protocol ${flags.protocol}${augment ? `; the first of each row is the plain crop, seed ${seed}` : ""}.`;
      await writeOutput(flags.out, await contactSheet({ title, lead, sections }));
      process.stderr.write(`wrote ${flags.out}\n`);
    });
}

/** Indices spread over the whole data set, each from its own stretch. */
function chooseFaces(length: number, count: number, seed: number): number[] {
  const random = createRandom(seed).fork("view");
  const shown = Math.min(length, count);
  if (shown === 0) throw new InvalidArgumentError("acr data view: the data set holds no faces.");
  return Array.from({ length: shown }, (_, i) => {
    const [from, to] = [Math.floor((i * length) / shown), Math.floor(((i + 1) * length) / shown)];
    return from + random.integer(to - from);
  });
}

/** The chosen faces as a data set. */
const pick = (faces: OpenFaces, indices: readonly number[]): OpenFaces => ({
  name: faces.name,
  length: indices.length,
  scheme: faces.scheme,
  get: (i) => faces.get(indices[i]!),
  ...(faces.describe && { describe: (i: number) => faces.describe!(indices[i]!) }),
  async *[Symbol.asyncIterator]() {
    for (const index of indices) yield faces.get(index);
  },
});

async function cellsOf(faces: OpenFaces, indices: readonly number[], { protocol }: ViewFlags): Promise<SheetCell[]> {
  const cells: SheetCell[] = [];
  for await (const batch of createBatches(pick(faces, indices), { batchSize: 8, imageSize: SIZE, protocol }))
    cells.push(...cellsOfBatch(batch, faces));
  return cells;
}

function cellsOfBatch(batch: Batch, faces: OpenFaces): SheetCell[] {
  const { landmarkCount } = faces.scheme;
  return batch.ids.map((id, i) => {
    const visible = batch.visible.subarray(i * landmarkCount, (i + 1) * landmarkCount);
    const hidden = visible.reduce((sum, flag) => sum + 1 - flag, 0);
    return {
      image: {
        width: batch.imageSize,
        height: batch.imageSize,
        data: batch.images.subarray(i * batch.imageSize ** 2 * 3, (i + 1) * batch.imageSize ** 2 * 3),
      },
      landmarks: batch.landmarks.subarray(2 * i * landmarkCount, 2 * (i + 1) * landmarkCount),
      visible,
      caption: id,
      ...((hidden > 0 || batch.mirrored[i]) && {
        note: [hidden > 0 ? `${hidden} hidden` : "", batch.mirrored[i] ? "mirrored" : ""].filter(Boolean).join(", "),
      }),
    };
  });
}

async function augmentedSections(
  faces: OpenFaces,
  indices: readonly number[],
  flags: ViewFlags,
  augment: Augmentation,
): Promise<SheetSection[]> {
  const chosen = pick(faces, indices);
  const rows = await cellsOf(faces, indices, flags);
  const sections = rows.map((cell): { title: string; cells: SheetCell[] } => ({ title: cell.caption, cells: [cell] }));
  for (let epoch = 0; epoch < VERSIONS; epoch++) {
    const { protocol, seed } = flags;
    const options = { batchSize: 8, imageSize: SIZE, protocol, augment, seed, epoch };
    for await (const batch of createBatches(chosen, options))
      cellsOfBatch(batch, faces).forEach((cell, i) => {
        sections[batch.indices[i]!]!.cells.push({ ...cell, caption: `epoch ${epoch}` });
      });
  }
  return sections;
}
