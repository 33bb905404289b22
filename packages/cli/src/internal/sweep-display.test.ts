import type { SweepTrial, TrialResult } from "@acr/trainer";
import { SweepDisplay } from "./sweep-display.js";

/** A terminal that knows what the display uses: line feeds, cursor up, erase below. */
class Terminal {
  readonly isTTY = true;
  readonly screen: string[] = [""];
  private row = 0;

  constructor(
    readonly columns: number,
    readonly rows = 24,
  ) {}

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals are told is made of them.
    for (const part of text.split(/(\u001b\[\d+[AJ]|\n)/)) {
      const [, count, code] = /^.\[(\d+)([AJ])$/.exec(part) ?? [];
      if (code === "A") this.row -= Number(count);
      else if (code === "J") this.screen.splice(this.row, Number.POSITIVE_INFINITY, "");
      else if (part === "\n") {
        this.row++;
        this.screen[this.row] ??= "";
      } else {
        this.screen[this.row] += part;
        while (this.screen[this.row]!.length > this.columns) {
          const line = this.screen[this.row]!;
          this.screen[this.row] = line.slice(0, this.columns);
          this.screen[++this.row] = line.slice(this.columns);
        }
      }
      if (this.row < 0) throw new Error("the cursor has left the screen");
    }
  }
}

const trial = (index: number) => ({ id: `000${index}-acr-with-a-long-name-s1`, index }) as SweepTrial;
const result = (index: number, nmePercent: number) =>
  ({ ...trial(index), status: "finished", nmePercent }) as unknown as TrialResult;
const trials = [0, 1, 2].map(trial);

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => jest.useRealTimers());

it.each([30, 100])(
  "SweepDisplay on a terminal of %d columns draws its table in one place, lines that stay above",
  (columns) => {
    const stream = new Terminal(columns);
    const display = new SweepDisplay({ stream });
    display.show({ type: "start", folder: "sweeps/a", trials, done: [] });
    for (const [i, one] of trials.entries()) {
      display.show({ type: "trial-start", trial: one, untilEpoch: 9 });
      for (let epoch = 1; epoch <= 9; epoch++) {
        jest.advanceTimersByTime(300);
        display.show({ type: "trial-progress", trial: one, progress: { worker: "w:1", epoch, epochs: 9, loss: 0.5 } });
      }
      if (i < 2)
        display.show({ type: "trial-end", trial: one, result: result(i, 6 - i), doneCount: i + 1, trialCount: 3 });
    }
    jest.advanceTimersByTime(1000);
    const lines = stream.screen.filter((line) => line !== "");
    expect(lines.filter((line) => line.includes("trials, 1 running"))).toHaveLength(1);
    expect(lines.join("")).toContain("3 trials, 0 of them done already -> sweeps/a1/3 0000");
    expect(lines.join("").match(/finished, NME/g)).toHaveLength(2);
    const table = lines.slice(lines.findIndex((line) => line.startsWith("2/3 trials")));
    expect(table[1]).toMatch(
      columns === 100 ? /^0002-acr-with-a-long-name-s1 {2}epoch 9\/9 {2}loss 0\.500 {2}w:1$/ : /^0002.*epoch 9\/9$/,
    );
    expect(table[2]).toMatch(/^1\. 5\.00 % {2}0001-acr/);
    display.close();
    expect(stream.screen.some((line) => line.startsWith("2/3 trials"))).toBe(false);
  },
);

it("SweepDisplay counts trials that wait at a rung as done once they have lost there", () => {
  const stream = new Terminal(60);
  const display = new SweepDisplay({ stream });
  display.show({ type: "start", folder: "sweeps/a", trials, done: [] });
  for (const one of trials) {
    const paused = { ...result(one.index, 6), status: "paused", epochs: 1 } as TrialResult;
    display.show({ type: "trial-end", trial: one, result: paused, doneCount: 0, trialCount: 3 });
  }
  jest.advanceTimersByTime(1000);
  expect(stream.screen.filter((line) => /^\d\/3 trials/.test(line))).toEqual(["0/3 trials, 0 running, 0:01 elapsed"]);
  display.show({ type: "rung", epochs: 1, kept: [trials[0]!.id], pruned: [trials[1]!.id, trials[2]!.id] });
  jest.advanceTimersByTime(1000);
  expect(stream.screen.filter((line) => /^\d\/3 trials/.test(line))).toEqual(["2/3 trials, 0 running, 0:02 elapsed"]);
  display.close();
});

it("SweepDisplay elsewhere writes plain lines, without any control character, and nothing when quiet", () => {
  const texts = { plain: "", quiet: "" };
  for (const name of ["plain", "quiet"] as const) {
    const stream = {
      write: (text: string) => {
        texts[name] += text;
      },
    };
    const display = new SweepDisplay({ stream, quiet: name === "quiet" });
    display.show({ type: "start", folder: "sweeps/a", trials, done: [] });
    display.show({ type: "trial-start", trial: trials[0]!, untilEpoch: 9 });
    display.connection("lost", "Redis at redis://head does not answer");
    display.connection("back");
    display.show({ type: "trial-end", trial: trials[0]!, result: result(0, 6), doneCount: 1, trialCount: 3 });
    const paused = { ...result(1, 6), status: "paused", epochs: 1 } as TrialResult;
    display.show({ type: "trial-end", trial: trials[1]!, result: paused, doneCount: 1, trialCount: 3 });
    display.show({ type: "rung", epochs: 3, kept: ["a"], pruned: ["b", "c"] });
    display.close();
  }
  expect(texts).toEqual({
    plain: [
      "3 trials, 0 of them done already -> sweeps/a",
      "Redis at redis://head does not answer; trying again. Nothing is lost.",
      "Redis is back",
      "1/3 0000-acr-with-a-long-name-s1: finished, NME 6.00 %",
      "0001-acr-with-a-long-name-s1: paused after 1 epoch, NME 6.00 %",
      "after 3 epochs: 1 of 3 trials go on",
      "",
    ].join("\n"),
    quiet: "",
  });
});
