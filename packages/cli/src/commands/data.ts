import { Command } from "commander";
import { dataConvertCommand } from "./data-convert.js";
import { dataInspectCommand } from "./data-inspect.js";
import { dataPrepareCommand } from "./data-prepare.js";
import { dataSynthCommand } from "./data-synth.js";
import { dataViewCommand } from "./data-view.js";

/** `acr data …`: look at a data set before training on it, prepare and convert it, or make one. */
export function dataCommand(onInterrupted: () => void): Command {
  const data = new Command("data").description("look at data sets, prepare, convert and make them");
  for (const command of [
    dataInspectCommand(),
    dataViewCommand(),
    dataPrepareCommand(onInterrupted),
    dataConvertCommand(),
    dataSynthCommand(),
  ])
    data.addCommand(command);
  return data;
}
