// Trains in a process of its own, for tests that kill it: `node train-child.mjs FOLDER RECIPE-JSON|resume`.
// Prints one line of JSON an event and waits for nobody. Needs the built package.
import { train } from "@acr/trainer";

const [folder, recipe] = process.argv.slice(2);
const options = recipe === "resume" ? { resume: true } : { recipe: JSON.parse(recipe) };
for await (const event of train({ folder, ...options }))
  process.stdout.write(`${JSON.stringify({ type: event.type, epoch: event.epoch, batch: event.batch })}\n`);
