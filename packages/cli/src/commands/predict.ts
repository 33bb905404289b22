import { setupBackend } from "@acr/backend";
import { type Box, toLandmarks } from "@acr/core";
import { readImage } from "@acr/datasets";
import { renderOverlay, renderOverlaySvg } from "@acr/report";
import { loadRun } from "@acr/trainer";
import { Command } from "commander";
import { parseBox } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";
import { checkOutput, writeOutput } from "../internal/write-output.js";

interface PredictFlags {
  run: string;
  image: string;
  box?: Box;
  out?: string;
  backend?: string;
  flipTest?: boolean;
  json?: boolean;
}

/** `acr predict`: landmarks of one picture. */
export function predictCommand(): Command {
  return new Command("predict")
    .description("find the landmarks of one face in a picture")
    .requiredOption("--run <folder>", "the run folder")
    .requiredOption("--image <file>", "a JPEG or PNG")
    .option("--box <x0,y0,x1,y1>", "face box in pixels (default: the whole picture)", parseBox)
    .option("--out <file>", "write the picture with the landmarks drawn, as PNG, or as SVG where the name ends in .svg")
    .option("--backend <name>", "tfjs backend (default: the best one here)")
    .option("--flip-test", "average the predictions on the picture and its mirror image")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  acr predict --run runs/first --image face.jpg --box 40,60,200,220 --out overlay.png",
    )
    .action(async ({ run: folder, image: file, box: asked, out, backend, flipTest, json }: PredictFlags) => {
      if (out !== undefined) await checkOutput("acr predict: --out", out);
      const image = await readImage(file);
      const run = await loadRun(folder, { backend: () => setupBackend({ prefer: backend ? [backend] : undefined }) });
      try {
        const { landmarks, box, millisecondsPerImage } = await run.predict(image, asked, { flipTest });
        if (out !== undefined) {
          const drawn = { predicted: landmarks, box };
          const render = out.toLowerCase().endsWith(".svg") ? renderOverlaySvg : renderOverlay;
          await writeOutput(out, await render(image, drawn));
        }
        const points = toLandmarks(landmarks);
        if (json) return printJson({ scheme: run.scheme.id, landmarks: points, box, millisecondsPerImage });
        process.stdout.write(
          `${points.map(([x, y], k) => `${run.scheme.names[k]} ${x.toFixed(2)} ${y.toFixed(2)}`).join("\n")}\n`,
        );
      } finally {
        run.dispose();
      }
    });
}
