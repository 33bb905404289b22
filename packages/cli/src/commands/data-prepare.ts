import { prepareDataset } from "@acr/datasets";
import { Command, Option } from "commander";
import { addFacesOptions, type FacesFlags, faceProgress, openFaces } from "../internal/open-faces.js";
import { parseCount } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";
import { stopOnSignals } from "../internal/stop-on-signals.js";
import { checkOutput } from "../internal/write-output.js";

interface PrepareFlags extends FacesFlags {
  out: string;
  imageSize: number;
  protocol: "padded" | "detector" | "pipnet-300w" | "paper";
  extent: "wide" | "crop";
  force: boolean;
  json?: boolean;
}

/** `acr data prepare`: one file of crops, labels and checksums. */
export function dataPrepareCommand(onInterrupted: () => void): Command {
  return addFacesOptions(
    new Command("prepare").description("store the crops of a data set in one file, which trains without decoding"),
  )
    .requiredOption("--out <file>", "the file to make, e.g. train.acr; kept where it still fits its source")
    .option("--image-size <pixels>", "side of the crops that will be trained on", parseCount, 112)
    .addOption(
      new Option("--protocol <name>", "how faces are cropped")
        .choices(["padded", "detector", "pipnet-300w", "paper"])
        .default("padded"),
    )
    .addOption(
      new Option("--extent <name>", "wide leaves room to turn and shift faces")
        .choices(["wide", "crop"])
        .default("wide"),
    )
    .option("--force", "make the file anew even where it fits", false)
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  acr data prepare --dataset 300w --root ./300w --split train --image-size 112 --out prepared/train.acr\n  acr train --dataset points --root prepared --train-split train.acr --val-split test.acr",
    )
    .action(async ({ out, imageSize, protocol, extent, force, json, ...flags }: PrepareFlags) => {
      await checkOutput("acr data prepare: --out", out);
      const faces = await openFaces(flags);
      const { skipFaulty } = flags;
      const onProgress = faceProgress("prepared");
      const { signal, release } = stopOnSignals("after this face; nothing is kept");
      const options = { file: out, imageSize, protocol, extent, force, skipFaulty, onProgress, signal };
      const made = await prepareDataset(faces, options)
        .catch((error: unknown) => {
          if (!signal.aborted) throw error;
        })
        .finally(release);
      if (!made) return onInterrupted();
      const { count, bytes, rebuilt, faults } = made;
      const skipped = [...(faces.faults ?? []), ...faults];
      if (json) return printJson({ file: out, count, bytes, rebuilt, faults: skipped });
      process.stdout.write(
        `${out}: ${count} faces, ${(bytes / 1e6).toFixed(1)} MB, ${rebuilt ? "made" : "still fits its source"}${skipped.length > 0 ? `; ${skipped.length} faulty samples left out` : ""}\n`,
      );
    });
}
