import { installTensorFlow, removeTensorFlow } from "@acr/backend";
import { InvalidArgumentError } from "@acr/core";
import { Command } from "commander";
import { printJson } from "../internal/print-json.js";
import { stopOnSignals } from "../internal/stop-on-signals.js";

interface InstallFlags {
  cuda?: boolean;
  from?: string;
  dir?: string;
  sha256?: string;
  python?: string;
  json?: boolean;
}

function checkName(name: string): void {
  if (name !== "tensorflow")
    throw new InvalidArgumentError(`acr backend: unknown backend "${name}"; expected tensorflow, the one to install.`);
}

/** `acr backend install|remove tensorflow`: tfjs' TensorFlow backend on a current TensorFlow. */
export function backendCommand(): Command {
  const command = new Command("backend").description("install or remove the TensorFlow backend (CPU and NVIDIA GPUs)");
  command
    .command("install")
    .description("link tfjs-node to a current TensorFlow; needs pip and a C++ compiler")
    .argument("<backend>", "tensorflow")
    .option("--cuda", "the wheel for NVIDIA GPUs with its CUDA 12 libraries (Linux x64, about 3 GB)")
    .option("--from <path>", "a downloaded wheel, or a folder with it, instead of a download")
    .option("--dir <folder>", "where to (default: ACR_TENSORFLOW_DIR, else acr/tensorflow in your data folder)")
    .option("--sha256 <hash>", "the wheel's hash, for one that is not built in")
    .option("--python <command>", "the Python whose pip downloads (default: python3)")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExamples:\n  acr backend install tensorflow\n  acr backend install tensorflow --cuda")
    .action(async (name: string, { json, ...flags }: InstallFlags) => {
      checkName(name);
      const { signal, release } = stopOnSignals("and removing what was made");
      try {
        const onProgress = (message: string) => process.stderr.write(`${message} …\n`);
        const result = await installTensorFlow({ ...flags, onProgress, signal });
        if (json) return printJson(result);
        const device = result.gpu ? "GPU" : "CPU";
        process.stdout.write(
          `TensorFlow ${result.tensorflow} trains on the ${device}; ${result.source === "package" ? "used as it is" : "installed"} in ${result.dir}. Use it with --backend tensorflow.\n`,
        );
      } finally {
        release();
      }
    });
  command
    .command("remove")
    .description("remove what install made")
    .argument("<backend>", "tensorflow")
    .option("--dir <folder>", "where it is")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  acr backend remove tensorflow")
    .action(async (name: string, { json, dir }: { json?: boolean; dir?: string }) => {
      checkName(name);
      const result = await removeTensorFlow({ dir });
      if (json) return printJson(result);
      process.stdout.write(result.removed ? `removed ${result.dir}\n` : `nothing is installed in ${result.dir}\n`);
    });
  return command;
}
