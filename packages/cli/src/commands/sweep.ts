import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { InvalidArgumentError } from "@acr/core";
import { renderTable } from "@acr/report";
import {
  createRedisExecutor,
  readSweep,
  runSweepWorker,
  type SweepPlanInput,
  sweep,
  type TrialResult,
} from "@acr/trainer";
import { Command } from "commander";
import { parseCount } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";
import { readJsonFile } from "../internal/read-json-file.js";
import { stopOnSignals } from "../internal/stop-on-signals.js";
import { TrainProgress } from "../internal/train-progress.js";

/** One line a trial, best first. */
export function sweepRows(results: readonly TrialResult[]): Record<string, string>[] {
  const number = (value: number | undefined, digits: number) => (value === undefined ? "" : value.toFixed(digits));
  return [...results]
    .sort((a, b) => (a.nmePercent ?? Number.POSITIVE_INFINITY) - (b.nmePercent ?? Number.POSITIVE_INFINITY))
    .map((result) => ({
      trial: result.name,
      seed: String(result.seed),
      "NME %": number(result.nmePercent, 2),
      "failures %": number(result.failureRatePercent, 2),
      "AUC@0.1": number(result.auc, 4),
      epoch: result.bestEpoch === undefined ? "" : `${result.bestEpoch} of ${result.epochs}`,
      minutes: result.seconds === undefined ? "" : number(result.seconds / 60, 1),
      status: result.error === undefined ? result.status : `${result.status}: ${result.error.slice(0, 60)}`,
    }));
}

/** A free folder under `sweeps/` for a plan of this name; the same plan again goes on in its folder. */
const defaultFolder = (name: unknown) => `sweeps/${typeof name === "string" ? name : "sweep"}`;

/** `acr sweep`: many training runs from one plan. */
export function sweepCommand(onInterrupted: () => void): Command {
  const command = new Command("sweep")
    .description("run many training runs from one plan: grid or random search, seeds, successive halving")
    .argument("<plan>", "a plan file (JSON)")
    .option("--out <folder>", "the folder for results and runs (default: sweeps/ and the plan's name)")
    .option("--root <folder>", "the folder that holds the data set, instead of the plan's")
    .option("--redis <url>", "hand the trials to workers on this Redis or Valkey server")
    .option("--workers <n>", "with --redis: also start so many workers here", parseCount)
    .option("--quiet", "no progress on stderr")
    .option("--json", "print the results as one JSON document")
    .addHelpText(
      "after",
      "\nThe same call continues a sweep that was stopped.\n\nExamples:\n  acr sweep examples/sweeps/losses-300w.json --root ./300w --out sweeps/losses\n  acr sweep report sweeps/losses",
    )
    .action(async (file: string, flags: SweepFlags) => {
      const plan = (await readJsonFile(file, "a sweep plan")) as SweepPlanInput & Record<string, unknown>;
      if (flags.root !== undefined) plan.recipe = { ...plan.recipe, root: flags.root };
      const folder = flags.out ?? defaultFolder(plan.name);
      if (flags.workers !== undefined && flags.redis === undefined)
        throw new InvalidArgumentError("acr sweep: --workers needs --redis, the server that hands out the trials.");
      const { redis, workers = 0 } = flags;
      // Started first: a worker waits for trials.
      const children = Array.from({ length: workers }, () => startWorker(redis!));
      let results: TrialResult[];
      try {
        results = await runSweep({ plan, folder, redis, quiet: flags.quiet, onInterrupted });
      } finally {
        for (const child of children) child.kill("SIGTERM");
      }
      if (flags.json) printJson({ folder, results });
      else process.stdout.write(`${renderTable(sweepRows(results), { format: "text" })}\n`);
    });
  command.addCommand(sweepReportCommand());
  command.addCommand(sweepWorkerCommand());
  return command;
}

/** A worker of this program in a process of its own. */
const startWorker = (redis: string): ChildProcess =>
  spawn(process.execPath, [...process.execArgv, process.argv[1]!, "sweep", "worker", "--redis", redis], {
    stdio: ["ignore", "ignore", "inherit"],
  });

function sweepWorkerCommand(): Command {
  return new Command("worker")
    .description("train trials of any sweep on a Redis server until stopped; run one for each GPU")
    .requiredOption("--redis <url>", "redis://[user:password@]host:port, or rediss:// for TLS")
    .addHelpText(
      "after",
      "\nThe folder of the sweep must have the same path on all machines. Start Redis with redis-server (apt-get install redis-server)\nor docker run -p 6379:6379 redis:7.\n\nExample:\n  acr sweep worker --redis redis://:password@head-node:6379",
    )
    .action(async ({ redis }: { redis: string }) => {
      const { signal, release } = stopOnSignals("after this step; the trial goes back to the queue");
      try {
        process.stderr.write(`worker ${process.pid}: waiting for trials\n`);
        await runSweepWorker({
          url: redis,
          signal,
          onTrial: (trial, outcome) => {
            const end =
              outcome === undefined
                ? "begins"
                : outcome instanceof Error
                  ? `failed: ${outcome.message}`
                  : `NME ${outcome.nmePercent.toFixed(2)} % after ${outcome.epochs} epochs`;
            process.stderr.write(`worker ${process.pid}: ${trial.id} ${end}\n`);
          },
        });
      } finally {
        release();
      }
    });
}

interface SweepFlags {
  redis?: string;
  workers?: number;
  out?: string;
  root?: string;
  quiet?: boolean;
  json?: boolean;
}

async function runSweep(options: {
  plan: SweepPlanInput;
  folder: string;
  redis?: string;
  quiet?: boolean;
  onInterrupted: () => void;
}): Promise<TrialResult[]> {
  const { plan, folder, redis, quiet = false, onInterrupted } = options;
  const { signal, release } = stopOnSignals("after this step; the same command continues the sweep");
  const say = (line: string) => quiet || process.stderr.write(`${line}\n`);
  let progress: TrainProgress | undefined;
  try {
    const executor = redis === undefined ? undefined : createRedisExecutor({ url: redis });
    const run = sweep({ plan, folder, signal, executor, onTrainEvent: (event) => progress?.show(event) });
    for (;;) {
      const { done, value } = await run.next();
      if (done) return value;
      switch (value.type) {
        case "start":
          say(`${value.trials.length} trials, ${value.done.length} of them done already -> ${value.folder}`);
          break;
        case "trial-start":
          if (redis === undefined) progress = new TrainProgress({ quiet, title: value.trial.id });
          break;
        case "trial-end": {
          progress?.close();
          const { id, status, nmePercent, error } = value.result;
          say(
            `${value.doneCount}/${value.trialCount} ${id}: ${status}${nmePercent === undefined ? "" : `, NME ${nmePercent.toFixed(2)} %`}${error === undefined ? "" : `: ${error}`}`,
          );
          break;
        }
        case "rung":
          say(`after ${value.epochs} epochs: ${value.kept.length} trials go on, ${value.pruned.length} end`);
          break;
        case "interrupted":
          onInterrupted();
          break;
        case "end":
          break;
      }
    }
  } finally {
    progress?.close();
    release();
  }
}

function sweepReportCommand(): Command {
  return new Command("report")
    .description("the results of a sweep so far, best first")
    .argument("<folder>", "the folder of the sweep")
    .option("--json", "print one JSON document")
    .option("--markdown", "a markdown table")
    .addHelpText("after", "\nExample:\n  acr sweep report sweeps/losses --markdown")
    .action(async (folder: string, { json, markdown }: { json?: boolean; markdown?: boolean }) => {
      if (!existsSync(folder))
        throw new InvalidArgumentError(`acr sweep report: the folder "${folder}" does not exist.`);
      const { plan, results } = await readSweep(folder);
      if (json) return printJson({ folder, plan, results });
      process.stdout.write(`${renderTable(sweepRows(results), { format: markdown ? "markdown" : "text" })}\n`);
    });
}
