import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { InvalidArgumentError } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { renderTable, type TableRow } from "@acr/report";
import {
  createRedisExecutor,
  readSweep,
  runSweepWorker,
  type SweepPlanInput,
  summarizeTrials,
  sweep,
  type TrialResult,
} from "@acr/trainer";
import { Command, Option } from "commander";
import { addWideOption, checkWide } from "../internal/add-wide-option.js";
import { gpuOption } from "../internal/gpu-option.js";
import { parseCount } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";
import { readJsonFile } from "../internal/read-json-file.js";
import { stopOnSignals } from "../internal/stop-on-signals.js";
import { SweepDisplay } from "../internal/sweep-display.js";
import { summaryRows, sweepMarkdown, sweepRecord, trialRows } from "../internal/sweep-report.js";
import { SweepWorkers } from "../internal/sweep-workers.js";
import { tableThatFits } from "../internal/table-that-fits.js";
import { writeOutput } from "../internal/write-output.js";

interface SweepFlags {
  redis?: string;
  store?: string;
  workers?: number;
  stalledAfter: number;
  out?: string;
  root?: string;
  wide?: boolean;
  quiet?: boolean;
  json?: boolean;
}

/** A folder under `sweeps/` for a plan of this name; the same plan again goes on in its folder. */
const defaultFolder = (name: unknown) => `sweeps/${typeof name === "string" ? name : "sweep"}`;

/** Seconds without a sign of life after which another worker takes a trial over. */
const stalledAfter = () =>
  new Option("--stalled-after <seconds>", "a trial goes to another worker when its own is silent for so long")
    .argParser(parseCount)
    .default(30);

/** `acr sweep`: many training runs from one plan. */
export function sweepCommand(onInterrupted: () => void): Command {
  const command = addWideOption(new Command("sweep"))
    .description("run many training runs from one plan: grid or random search, seeds, successive halving")
    .argument("<plan>", "a plan file (JSON)")
    .option("--out <folder>", "the folder for results and runs (default: sweeps/ and the plan's name)")
    .option("--root <folder>", "the folder that holds the data set, instead of the plan's")
    .option("--redis <url>", "hand the trials to workers on this Redis or Valkey server")
    .option("--store <address>", "with --redis: workers keep their runs in s3://bucket/prefix or a folder")
    .option("--workers <n>", "with --redis: also start so many workers here", parseCount)
    .addOption(stalledAfter())
    .option("--quiet", "no progress on stderr")
    .option("--json", "print the results as one JSON document")
    .addHelpText(
      "after",
      "\nThe same call continues a sweep that was stopped.\n\nExamples:\n  acr sweep examples/sweeps/losses-300w.json --root ./300w --out sweeps/losses\n  acr sweep plan.json --redis redis://localhost:6379 --workers 2\n  acr sweep report sweeps/losses",
    )
    .action(async (file: string, flags: SweepFlags) => {
      const plan = (await readJsonFile(file, "a sweep plan")) as SweepPlanInput & Record<string, unknown>;
      if (flags.root !== undefined) plan.recipe = { ...plan.recipe, root: flags.root };
      checkWide("acr sweep", flags.wide, plan.recipe?.backend);
      const folder = flags.out ?? defaultFolder(plan.name);
      for (const name of ["workers", "store"] as const)
        if (flags[name] !== undefined && flags.redis === undefined)
          throw new InvalidArgumentError(`acr sweep: --${name} needs --redis, the server that hands out the trials.`);
      const results = await runSweep({ plan, folder, flags, onInterrupted });
      if (flags.json) printJson({ folder, results });
      else if (results.length > 0) process.stdout.write(`${printedTable(resultRows(results), "text")}\n`);
    });
  // What follows the name of a subcommand belongs to it: both know --redis, --out and --json.
  command.enablePositionalOptions();
  command.addCommand(sweepReportCommand());
  command.addCommand(sweepWorkerCommand());
  return command;
}

function sweepWorkerCommand(): Command {
  return addWideOption(new Command("worker"))
    .description("train trials of any sweep on a Redis server until stopped; run one for each GPU")
    .requiredOption("--redis <url>", "redis://[user:password@]host:port, or rediss:// for TLS")
    .addOption(stalledAfter())
    .addOption(gpuOption())
    .option("--quiet", "say only what is wrong")
    .addHelpText(
      "after",
      "\nThe folder of the sweep must have the same path on all machines, unless the sweep names a --store. Start Redis with redis-server\n(apt-get install redis-server) or docker run -p 6379:6379 redis:7.\n\nExample:\n  acr sweep worker --redis redis://:password@head-node:6379\n  acr sweep worker --redis redis://:password@head-node:6379 --gpu 1",
    )
    .action(
      async ({ redis, quiet, stalledAfter: seconds }: { redis: string; quiet?: boolean; stalledAfter: number }) => {
        const { signal, release } = stopOnSignals("after this step; the trial goes back to the queue", { quiet });
        const warn = (line: string) => process.stderr.write(`worker ${process.pid}: ${line}\n`);
        const say = (line: string) => quiet || warn(line);
        try {
          say("waiting for trials");
          await runSweepWorker({
            url: redis,
            signal,
            lockMs: seconds * 1000,
            onConnection: (state, reason) =>
              state === "lost" ? warn(`${reason}; trying again`) : say("Redis is back"),
            onTrial: (trial, outcome) => {
              if (outcome instanceof Error) warn(`${trial.id} failed: ${outcome.message}`);
              else if (outcome === undefined) say(`${trial.id} begins`);
              else say(`${trial.id} NME ${outcome.nmePercent.toFixed(2)} % after ${outcome.epochs} epochs`);
            },
          });
        } finally {
          release();
        }
      },
    );
}

async function runSweep(options: {
  plan: SweepPlanInput;
  folder: string;
  flags: SweepFlags;
  onInterrupted: () => void;
}): Promise<TrialResult[]> {
  const { plan, folder, onInterrupted } = options;
  const { redis, store, workers = 0, stalledAfter: seconds, quiet = false } = options.flags;
  const display = new SweepDisplay({ quiet });
  const { signal, release } = stopOnSignals("after this step; the same command continues the sweep", { quiet });
  const args = ["sweep", "worker", "--redis", redis!, "--stalled-after", `${seconds}`, "--quiet"];
  const crew = new SweepWorkers(args, (line) => display.say(line));
  try {
    const executor =
      redis === undefined
        ? undefined
        : createRedisExecutor({
            url: redis,
            ...(store !== undefined && { store }),
            onConnection: (state, reason) => display.connection(state, reason),
          });
    const run = sweep({
      ...{ plan, folder, signal },
      ...(executor && { executor }),
      onTrainEvent: (event, trial) => display.showTraining(event, trial),
    });
    for (;;) {
      const { done, value } = await run.next();
      if (done) return value;
      display.show(value);
      // Only now: the plan is right and its folder is free.
      if (value.type === "start") crew.start(workers);
      if (value.type === "interrupted") onInterrupted();
    }
  } finally {
    display.close();
    await crew.stop();
    release();
  }
}

/** Settings with more than one seed as means, else trial by trial. */
function resultRows(results: readonly TrialResult[]): TableRow[] {
  const summaries = summarizeTrials(results);
  return summaries.length < results.length ? summaryRows(summaries) : trialRows(results);
}

/** Text is as wide as the terminal; files, pipes and markdown get all columns. */
function printedTable(rows: readonly TableRow[], format: "text" | "markdown"): string {
  const { isTTY, columns } = process.stdout;
  return isTTY && columns && format === "text" ? tableThatFits(rows, columns) : renderTable(rows, { format });
}

function sweepReportCommand(): Command {
  return new Command("report")
    .description("the results of sweeps so far, best first; seeds of a setting as mean ± standard deviation")
    .argument("<folder...>", "folders of sweeps")
    .option("--trials", "a row for each trial, not for each setting")
    .option("--json", "print one JSON document")
    .option("--markdown", "a markdown table")
    .option("--out <name>", "write name.md and name.json, to be kept beside the code")
    .addHelpText(
      "after",
      "\nExamples:\n  acr sweep report sweeps/losses --markdown\n  acr sweep report sweeps/losses --out benchmarks/losses",
    )
    .action(
      async (
        folders: string[],
        { json, markdown, trials, out }: { json?: boolean; markdown?: boolean; trials?: boolean; out?: string },
      ) => {
        const sweeps = await Promise.all(
          folders.map(async (folder) => {
            if (!existsSync(folder))
              throw new InvalidArgumentError(`acr sweep report: the folder "${folder}" does not exist.`);
            return { folder, ...(await readSweep(folder)) };
          }),
        );
        if (out !== undefined) {
          const name = out.replace(/\.(md|json)$/, "");
          await makeFolder(dirname(name));
          await writeOutput(`${name}.md`, sweepMarkdown(sweeps));
          await writeOutput(`${name}.json`, `${JSON.stringify(sweepRecord(sweeps), null, 2)}\n`);
          process.stderr.write(`${name}.md and ${name}.json\n`);
          return;
        }
        if (json) return printJson(sweepRecord(sweeps));
        const format = markdown ? "markdown" : "text";
        const tables = sweeps.map(({ plan, results }) => {
          if (results.length === 0) return `${plan.name}: no trial has ended yet`;
          return printedTable(trials ? trialRows(results) : resultRows(results), format);
        });
        process.stdout.write(`${tables.join("\n\n")}\n`);
      },
    );
}
