import { InvalidArgumentError, Option } from "commander";

/**
 * `--gpu <n>`: the NVIDIA GPU that this process and those it starts train on. It travels as `ACR_GPU`, which
 * `setupBackend` reads.
 */
export function gpuOption(): Option {
  return new Option(
    "--gpu <n>",
    "train on this NVIDIA GPU, from 0 on as nvidia-smi lists them; fails where it cannot be used",
  )
    .argParser((text) => {
      if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`expected an integer >= 0; got "${text}".`);
      process.env.ACR_GPU = text;
      return Number(text);
    })
    .conflicts("wide");
}
