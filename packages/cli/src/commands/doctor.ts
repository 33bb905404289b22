import { doctor } from "@acr/backend";
import { renderTable } from "@acr/report";
import { Command } from "commander";
import { printJson } from "../internal/print-json.js";

/** `acr doctor`: which backends work here, their versions and measured speed. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("show which backends work here, and how fast they train")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  acr doctor")
    .action(async ({ json }: { json?: boolean }) => {
      const result = await doctor();
      if (json) return printJson(result);
      const rows = result.backends.map((backend) => ({
        backend: backend.name,
        state: backend.available ? "works" : "not available",
        version: backend.version ?? "",
        threads: backend.threads ?? "",
        "training ms/image": backend.millisecondsPerImage?.toFixed(1) ?? "",
        notes: backend.available ? (backend.description ?? "") : (backend.reason ?? ""),
      }));
      process.stdout.write(`${renderTable(rows, { format: "text" })}\nGPU: ${result.gpu}\n`);
    });
}
