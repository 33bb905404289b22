import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { addDatasetOptions, type DatasetOptions } from "../internal/dataset-options.js";
import { createRunReport, renderReport } from "../internal/run-report.js";

/** `acr report`: one self-contained HTML page that compares runs. */
export function reportCommand(): Command {
  const command = new Command("report")
    .description("write one HTML page that compares runs")
    .requiredOption("--run <folder>", "a run folder; repeatable", (value: string, all: string[] | undefined) => [
      ...(all ?? []),
      value,
    ])
    .requiredOption("--out <file>", "the page to write");
  return addDatasetOptions(command, "test")
    .addHelpText("after", "\nExample:\n  acr report --run runs/l2 --run runs/acr --out report.html")
    .action(async ({ run, out, ...source }: DatasetOptions & { run: string[]; out: string }) => {
      await writeFile(out, await renderReport(await createRunReport(run, source)));
      process.stderr.write(`wrote ${out}\n`);
    });
}
