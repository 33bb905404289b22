import { writeFile } from "node:fs/promises";
import type { Box } from "@acr/core";
import { toLandmarks } from "@acr/core";
import { readImage } from "@acr/datasets";
import { renderOverlay } from "@acr/report";
import { loadRun } from "@acr/trainer";
import { Command } from "commander";
import { parseBox } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";

/** `acr predict`: landmarks of one picture. */
export function predictCommand(): Command {
  return new Command("predict")
    .description("find the landmarks of one face in a picture")
    .requiredOption("--run <folder>", "the run folder")
    .requiredOption("--image <file>", "a JPEG or PNG")
    .option("--box <x0,y0,x1,y1>", "face box in pixels (default: the whole picture)", parseBox)
    .option("--out <file>", "write the picture with the landmarks drawn, as PNG")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  acr predict --run runs/first --image face.jpg --box 40,60,200,220 --out overlay.png",
    )
    .action(async (flags: { run: string; image: string; box?: Box; out?: string; json?: boolean }) => {
      const image = await readImage(flags.image);
      const run = await loadRun(flags.run);
      try {
        const { landmarks, box, millisecondsPerImage } = await run.predict(image, flags.box);
        if (flags.out) await writeFile(flags.out, await renderOverlay(image, { predicted: landmarks, box }));
        const points = toLandmarks(landmarks);
        if (flags.json) return printJson({ scheme: run.scheme.id, landmarks: points, box, millisecondsPerImage });
        process.stdout.write(
          `${points.map(([x, y], k) => `${run.scheme.names[k]} ${x.toFixed(2)} ${y.toFixed(2)}`).join("\n")}\n`,
        );
      } finally {
        run.dispose();
      }
    });
}
