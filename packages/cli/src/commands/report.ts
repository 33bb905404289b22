import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { InvalidArgumentError, type RgbImage } from "@acr/core";
import { readImage } from "@acr/datasets";
import { renderContactSheet, renderProgressGif } from "@acr/report";
import { runFiles } from "@acr/trainer";
import { Command } from "commander";
import { addDatasetOptions, type DatasetOptions } from "../internal/dataset-options.js";
import { collect } from "../internal/parsers.js";
import { createRunReport, renderReport } from "../internal/run-report.js";
import { checkOutput, writeOutput } from "../internal/write-output.js";

interface ReportFlags extends DatasetOptions {
  run: string[];
  out: string;
  title?: string;
  backend?: string;
  flipTest?: boolean;
  sheet?: string;
  film?: string;
}

/** `acr report`: one self-contained HTML page that compares runs. */
export function reportCommand(): Command {
  const command = new Command("report")
    .description("write one HTML page that compares runs")
    .requiredOption("--run <folder>", "a run folder; repeat it to compare runs", collect)
    .requiredOption("--out <file>", "the page to write")
    .option("--title <text>", "of the page")
    .option("--backend <name>", "tfjs backend (default: the best one here)")
    .option("--flip-test", "average the predictions on each picture and its mirror image")
    .option("--sheet <file>", "also write the shown faces of the first run as one PNG")
    .option("--film <file>", "also write the training of the first run as an animated GIF");
  return addDatasetOptions(command, "test")
    .addHelpText(
      "after",
      "\nExamples:\n  acr report --run runs/l2 --run runs/acr --out report.html\n  acr report --run runs/acr --out report.html --sheet faces.png --film training.gif",
    )
    .action(async ({ run, out, sheet, film, ...flags }: ReportFlags) => {
      for (const [option, file] of Object.entries({ out, sheet, film }))
        if (file !== undefined) await checkOutput(`acr report: --${option}`, file);
      const frames = film === undefined ? [] : await trainingPictures(run[0]!);
      const input = await createRunReport(run, flags, flags);
      const files: [string | undefined, () => Promise<string | Uint8Array>][] = [
        [out, () => renderReport(input)],
        [sheet, () => renderContactSheet(input.runs[0]!.samples, { columns: 4 })],
        [film, () => renderProgressGif(frames)],
      ];
      for (const [file, render] of files) {
        if (file === undefined) continue;
        await writeOutput(file, await render());
        process.stderr.write(`wrote ${file}\n`);
      }
    });
}

/** The same validation faces after one epoch and another, as training drew them. */
async function trainingPictures(folder: string): Promise<RgbImage[]> {
  const samples = runFiles(folder).samples;
  const names = await readdir(samples).catch(() => []);
  const pictures = names.filter((name) => name.endsWith(".png")).sort();
  if (pictures.length === 0)
    throw new InvalidArgumentError(
      `acr report: --film needs the pictures of "${samples}", and there are none. Train with --set logs.samplesEvery=1.`,
    );
  return Promise.all(pictures.map((name) => readImage(join(samples, name))));
}
