import { applyAffine, type FaceDataset, InvalidArgumentError } from "@acr/core";
import {
  type CachedFace,
  createFaceCache,
  cropTransform,
  type DataFault,
  type DatasetExamination,
  examineDataset,
  inspectDataset,
} from "@acr/datasets";
import { scoreLabels } from "@acr/shape-model";
import { Command } from "commander";
import { contactSheet, type SheetCell, type SheetSection } from "../internal/contact-sheet.js";
import {
  addFacesOptions,
  type FacesFlags,
  faceProgress,
  isFile,
  type OpenFaces,
  openFaces,
  splitOf,
} from "../internal/open-faces.js";
import { printJson } from "../internal/print-json.js";
import { checkOutput, writeOutput } from "../internal/write-output.js";

const SHOWN = 20;
/** Fewer faces than this tell nothing about what is usual. */
const ENOUGH_TO_SCORE = 30;
const OFFICIAL_300W = ["afw", "helen/trainset", "helen/testset", "lfpw/trainset", "lfpw/testset", "ibug"];

interface InspectFlags extends FacesFlags {
  against: string[];
  labelsOnly: boolean;
  json?: boolean;
  html?: string;
}

/** A face whose labels the others make unlikely. */
interface LabelOutlier {
  id: string;
  /** The landmark that fits least, by index and name. */
  landmark: number;
  name: string;
  /** Squared distance of that landmark over its degrees of freedom; 1 is usual. */
  score: number;
  /** The same of the whole face. */
  mahalanobis: number;
}

interface Inspection extends Partial<Omit<DatasetExamination, "faults" | "warnings">> {
  dataset: string;
  split: string | null;
  scheme: string;
  count: number;
  splits?: { folder: string; count: number; faults: number; published?: number }[];
  faults: DataFault[];
  warnings: string[];
  comparedWith: string[];
  outliers: LabelOutlier[];
}

/** `acr data inspect`: the data doctor. */
export function dataInspectCommand(): Command {
  return addFacesOptions(
    new Command("inspect").description("count faces; list faults, duplicates, unlikely labels and boxes"),
  )
    .option(
      "--against <split>",
      "another split to look for the same photographs in; may be repeated (default: all that are there)",
      (value: string, earlier: string[]) => [...earlier, value],
      [] as string[],
    )
    .option("--labels-only", "decode no picture: counts, label faults and unlikely labels only", false)
    .option("--json", "print one JSON document")
    .option("--html <file>", "write a page with the pictures in question")
    .addHelpText(
      "after",
      "\nExamples:\n  acr data inspect --dataset 300w --root ./300w --split train\n  acr data inspect --dataset points --root faces.xml --html doctor.html",
    )
    .action(async (flags: InspectFlags) => {
      if (flags.html !== undefined) await checkOutput("acr data inspect: --html", flags.html);
      const { inspection, faces } = await inspect(flags);
      if (flags.html !== undefined) {
        await writeOutput(flags.html, await page(inspection, faces));
        process.stderr.write(`wrote ${flags.html}\n`);
      }
      if (flags.json) return printJson(inspection);
      process.stdout.write(describe(inspection));
    });
}

async function inspect(flags: InspectFlags): Promise<{ inspection: Inspection; faces: OpenFaces | undefined }> {
  const { dataset, root } = flags;
  const split = splitOf(flags);
  const inspection: Inspection = {
    dataset,
    split: split ?? null,
    scheme: "",
    count: 0,
    faults: [],
    warnings: [],
    comparedWith: [],
    outliers: [],
  };
  if ((dataset === "300w" || dataset === "points") && root !== undefined && !isFile(root)) {
    // Counts by folder; a data set of which nothing can be opened still has its faults listed.
    const { scheme, count, splits, faults, warnings } = await inspectDataset({
      dataset,
      root,
      ...(split !== undefined && { split }),
      ...(flags.scheme !== undefined && dataset === "points" && { scheme: flags.scheme }),
    }).catch((error) => {
      // openPoints also takes a file of the folder as split.
      if (dataset === "points" && split !== undefined && InvalidArgumentError.isInstance(error)) return EMPTY;
      throw error;
    });
    Object.assign(inspection, { scheme, count, faults, warnings, ...(splits && { splits }) });
    if (splits && count === 0) return { inspection, faces: undefined };
  }
  const faces = await openFaces(flags, { skipFaulty: true });
  inspection.scheme = faces.scheme.id;
  inspection.count = faces.length;
  inspection.faults = [...(faces.faults ?? [])];
  inspection.outliers = await outliersOf(faces);
  if (flags.labelsOnly) return { inspection, faces };
  const others = await otherSplits(flags, split);
  inspection.comparedWith = others.map(({ name }) => name);
  const { faults, warnings, ...examination } = await examineDataset(faces, {
    others,
    onProgress: faceProgress("looked at"),
  });
  inspection.count -= faults.length;
  inspection.faults.push(...faults);
  inspection.warnings.push(...warnings);
  Object.assign(inspection, examination);
  return { inspection, faces };
}

const EMPTY = { scheme: "", count: 0, splits: undefined, faults: [], warnings: [] };

async function outliersOf(faces: OpenFaces): Promise<LabelOutlier[]> {
  if (faces.length < ENOUGH_TO_SCORE || !faces.describe) return [];
  const records = Array.from({ length: faces.length }, (_, i) => faces.describe!(i));
  return scoreLabels(records.map(({ landmarks }) => landmarks))
    .filter(({ isSuspect }) => isSuspect)
    .map(({ index, landmark, landmarkScore, mahalanobis }) => ({
      id: records[index]!.id,
      landmark,
      name: faces.scheme.names[landmark]!,
      score: landmarkScore,
      mahalanobis,
    }));
}

/** The splits to compare with: those that were named, else the others of the data set that are there. */
async function otherSplits(flags: InspectFlags, split: string | undefined): Promise<FaceDataset[]> {
  const { dataset } = flags;
  if (flags.against.length > 0)
    return Promise.all(flags.against.map((name) => openFaces(flags, { split: name, skipFaulty: true })));
  const names =
    dataset === "300w"
      ? OFFICIAL_300W.filter((folder) => !foldersOf(split ?? "train").includes(folder))
      : (dataset === "cofw" || dataset === "wflw") && (split === "train" || split === "test")
        ? [split === "train" ? "test" : "train"]
        : [];
  const opened: FaceDataset[] = [];
  for (const name of names)
    await openFaces(flags, { split: name, skipFaulty: true }).then(
      (faces) => opened.push(faces),
      // What is not there cannot be compared with.
      () => {},
    );
  return opened;
}

const NAMED_300W: Record<string, readonly string[]> = {
  train: ["afw", "helen/trainset", "lfpw/trainset"],
  common: ["helen/testset", "lfpw/testset"],
  test: ["helen/testset", "lfpw/testset"],
  challenging: ["ibug"],
  full: ["helen/testset", "lfpw/testset", "ibug"],
};
const foldersOf = (split: string): readonly string[] =>
  NAMED_300W[split] ?? split.split(",").map((folder) => folder.trim());

/** For people. */
function describe(inspection: Inspection): string {
  const { dataset, split, count, faults, splits, warnings, duplicates, outliers, outside, disagreements } = inspection;
  const lines = [`${dataset}${split === null ? "" : ` ${split}`}: ${count} faces, ${faults.length} faults`];
  for (const { folder, count: found, published } of splits ?? [])
    lines.push(`  ${folder}: ${found}${published === undefined ? "" : ` of ${published}`}`);
  const list = (title: string, all: readonly string[] | undefined) => {
    if (!all || all.length === 0) return;
    lines.push(`${title}: ${all.length}`);
    lines.push(...all.slice(0, SHOWN).map((line) => `  ${line}`));
    if (all.length > SHOWN) lines.push(`  … and ${all.length - SHOWN} more (--json lists all)`);
  };
  list("warnings", warnings);
  list("faults", faults.map(faultLine));
  list("duplicates", duplicates?.map(duplicateLine));
  list("unlikely labels", outliers.map(outlierLine));
  list("landmarks outside the picture", outside?.map(outsideLine));
  list("boxes that do not fit", disagreements?.map(disagreementLine));
  return `${lines.join("\n")}\n`;
}

const faultLine = ({ file, line, message }: DataFault) => `${file}${line === undefined ? "" : `:${line}`}: ${message}`;
const duplicateLine = ({ first, second, firstSet, secondSet, correlation }: DatasetExamination["duplicates"][number]) =>
  `${first} = ${second}${firstSet === secondSet ? "" : ` (in ${secondSet})`}, correlation ${correlation.toFixed(3)}`;
const outlierLine = ({ id, name, score }: LabelOutlier) => `${id}: ${name}, score ${score.toFixed(1)}`;
const outsideLine = ({ id, landmarks, width, height }: DatasetExamination["outside"][number]) =>
  `${id}: landmarks ${landmarks.slice(0, 8).join(", ")}${landmarks.length > 8 ? ", …" : ""} of ${width} x ${height} px`;
const disagreementLine = ({ id, inside, overlap }: DatasetExamination["disagreements"][number]) =>
  `${id}: holds ${(100 * inside).toFixed(0)} % of the landmarks, overlaps their box by ${(100 * overlap).toFixed(0)} %`;

/** The faults, and the pictures in question. */
async function page(inspection: Inspection, faces: OpenFaces | undefined): Promise<string> {
  const { faults, warnings, duplicates = [], outliers, outside = [], disagreements = [] } = inspection;
  const sections: SheetSection[] = [];
  const places = new Map<string, number>();
  for (let i = 0; faces?.describe && i < faces.length; i++) places.set(faces.describe(i).id, i);
  const cache = faces && createFaceCache(faces, { imageSize: 160, extent: "crop", megabytes: 0, workers: 0 });
  const cell = async (id: string, note: string, marked: readonly number[] = []): Promise<SheetCell | undefined> => {
    const place = places.get(id);
    const face: CachedFace | undefined =
      place === undefined ? undefined : await cache?.get(place).catch(() => undefined);
    if (!face) return undefined;
    const landmarks = applyAffine(cropTransform(face.box), face.landmarks);
    return { image: face.image, landmarks, ...(face.visible && { visible: face.visible }), marked, caption: id, note };
  };
  const add = async (
    title: string,
    lead: string,
    all: readonly { line: string; cells(): Promise<(SheetCell | undefined)[]> }[],
  ) => {
    if (all.length === 0) return;
    const cells: SheetCell[] = [];
    for (const entry of all.slice(0, 3 * SHOWN)) {
      for (const made of await entry.cells()) if (made) cells.push(made);
    }
    const lines = all.slice(cells.length > 0 ? 3 * SHOWN : 0).map(({ line }) => line);
    sections.push({ title: `${title} (${all.length})`, lead, cells, lines });
  };
  const none = async () => [];
  await add(
    "Warnings",
    "",
    warnings.map((line) => ({ line, cells: none })),
  );
  await add(
    "Faults",
    "Samples that were left out.",
    faults.map((fault) => ({ line: faultLine(fault), cells: none })),
  );
  await add(
    "Duplicates",
    "Faces that are probably one photograph. Across splits they leak from training into the test.",
    duplicates.map((pair) => ({
      line: duplicateLine(pair),
      cells: () => Promise.all([cell(pair.first, `= ${pair.second}`), cell(pair.second, `= ${pair.first}`)]),
    })),
  );
  await add(
    "Unlikely labels",
    "The landmark that fits the other landmarks least, by the shapes of all faces. Rare poses appear here too.",
    outliers.map((outlier) => ({
      line: outlierLine(outlier),
      cells: async () => [
        await cell(outlier.id, `${outlier.name}, score ${outlier.score.toFixed(1)}`, [outlier.landmark]),
      ],
    })),
  );
  await add(
    "Landmarks outside the picture",
    "",
    outside.map((entry) => ({
      line: outsideLine(entry),
      cells: async () => [await cell(entry.id, `${entry.landmarks.length} outside`, entry.landmarks)],
    })),
  );
  await add(
    "Boxes that do not fit",
    "",
    disagreements.map((entry) => ({
      line: disagreementLine(entry),
      cells: async () => [await cell(entry.id, disagreementLine(entry))],
    })),
  );
  if (sections.length === 0) sections.push({ title: "Nothing to report", cells: [] });
  await cache?.close();
  const { dataset, split, count, scheme, comparedWith } = inspection;
  return contactSheet({
    title: `${dataset}${split === null ? "" : ` ${split}`}: inspection`,
    lead: `${count} faces, ${scheme}.${comparedWith.length > 0 ? ` Compared with ${comparedWith.join(", ")}.` : ""}`,
    sections,
  });
}
