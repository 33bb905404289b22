import { InvalidArgumentError } from "@acr/core";
import { type ConvertedDataset, convertDataset, type DataFormat } from "@acr/datasets";
import { createSyntheticFaces } from "@acr/synthetic";
import { Command, Option } from "commander";
import { parseCount, parseNumber } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";

/** How the files are laid out, and the scheme that a layout holds where it holds only one. */
const LAYOUTS = {
  "300w": { to: "pts", scheme: "ibug68" },
  cofw: { to: "cofw", scheme: "cofw29" },
  wflw: { to: "wflw", scheme: "wflw98" },
  points: { to: "pts" },
  json: { to: "json" },
  ljson: { to: "ljson" },
  coco: { to: "coco" },
  dlib: { to: "dlib" },
  csv: { to: "csv" },
} as const satisfies Record<string, { to: DataFormat; scheme?: string }>;

type Layout = keyof typeof LAYOUTS;

/** Folder that a 300-W reader looks into for each split. */
const SPLIT_FOLDERS = { train: "lfpw/trainset", test: "lfpw/testset" } as const;

interface SynthFlags {
  out: string;
  format: Layout;
  count: number;
  seed: string;
  split: "train" | "test";
  scheme?: string;
  imageSize: number;
  maxYaw: number;
  occlusion?: number;
  json?: boolean;
}

/** `acr data synth`: writes synthetic faces to disk, in any format that the readers know. */
export function dataSynthCommand(): Command {
  return new Command("synth")
    .description("write synthetic faces to disk in any format that the readers know")
    .requiredOption("--out <folder>", "a new or empty folder")
    .addOption(new Option("--format <name>", "layout of the files").choices(Object.keys(LAYOUTS)).default("points"))
    .option("--count <n>", "number of faces", parseCount, 100)
    .option("--seed <text>", "other seeds give other people", "0")
    .addOption(
      new Option("--split <name>", "train and test never share a face").choices(["train", "test"]).default("train"),
    )
    .option("--scheme <id>", "ibug68 (default), cofw29 or wflw98; 300w, cofw and wflw have their own")
    .option("--image-size <pixels>", "side of the pictures", parseCount, 160)
    .option("--max-yaw <degrees>", "largest turn of the head, 0 to 75", parseNumber, 45)
    .option("--occlusion <share>", "share of faces with something before them, 0 to 1", parseNumber)
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  acr data synth --out faces --count 200\n  acr data synth --out faces --format cofw --count 500 --split test",
    )
    .action(async ({ json, ...flags }: SynthFlags) => {
      const written = await synthesize(flags);
      if (json) return printJson(written);
      process.stdout.write(`${written.count} faces (${written.scheme}) in ${written.root}\n`);
    });
}

async function synthesize({
  out,
  format,
  count,
  seed,
  split,
  scheme,
  imageSize,
  maxYaw,
  occlusion,
}: Omit<SynthFlags, "json">): Promise<ConvertedDataset & { format: Layout; split: string; seed: string }> {
  const layout: { to: DataFormat; scheme?: string } = LAYOUTS[format];
  if (scheme !== undefined && layout.scheme !== undefined && scheme !== layout.scheme)
    throw new InvalidArgumentError(
      `acr data synth: --format ${format} holds ${layout.scheme} only; got --scheme ${scheme}. Leave --scheme out.`,
    );
  const faces = createSyntheticFaces({
    count,
    // Both splits of one seed can stand beside each other.
    seed: `${split}:${seed}`,
    scheme: scheme ?? layout.scheme ?? "ibug68",
    imageSize,
    maxYawDegrees: maxYaw,
    ...(occlusion !== undefined && { occlusionProbability: occlusion }),
  });
  const folder = format === "300w" ? `${out}/${SPLIT_FOLDERS[split]}` : out;
  const written = await convertDataset(faces, { to: layout.to, out: folder, split });
  return { ...written, root: format === "300w" ? out : written.root, format, split, seed };
}
