import { convertDataset, DATA_FORMATS, type DataFormat } from "@acr/datasets";
import { Command, Option } from "commander";
import { addFacesOptions, type FacesFlags, openFaces, splitOf } from "../internal/open-faces.js";
import { printJson } from "../internal/print-json.js";

interface ConvertFlags extends FacesFlags {
  to: DataFormat;
  out: string;
  toScheme?: string;
  json?: boolean;
}

/** `acr data convert`: a data set in another format. */
export function dataConvertCommand(): Command {
  return addFacesOptions(new Command("convert").description("write a data set in another format, pictures included"))
    .addOption(new Option("--to <format>", "the format to write").choices([...DATA_FORMATS]).makeOptionMandatory())
    .requiredOption("--out <folder>", "the folder to make; must be new or empty")
    .option(
      "--to-scheme <id>",
      "landmark scheme to convert to: ibug68 to cofw29, wflw98 to ibug68 or cofw29 (approximate)",
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  acr data convert --dataset 300w --root ./300w --split train --to dlib --out ./dlib\n  acr data convert --dataset wflw --root ./wflw --to coco --to-scheme ibug68 --out ./coco\n  acr data convert --dataset points --root ./dlib/faces.xml --to csv --out ./csv",
    )
    .action(async ({ to, out, toScheme, json, ...flags }: ConvertFlags) => {
      const faces = await openFaces(flags);
      const split = splitOf(flags);
      const converted = await convertDataset(faces, {
        to,
        out,
        split: split === undefined || split === "train" ? "train" : "test",
        ...(toScheme !== undefined && { scheme: toScheme }),
      });
      const skipped = faces.faults?.length ?? 0;
      if (json) return printJson({ format: to, ...converted, skipped });
      process.stdout.write(
        `${converted.root}: ${converted.count} faces, ${converted.scheme}, ${to}${skipped > 0 ? `; ${skipped} faulty samples left out` : ""}\n`,
      );
    });
}
