import { type GrayWindow, halve } from "./gray-window.js";
import { type Neighbours, neighboursOf } from "./profile.js";
import { type ProfileLevel, ProfileSum } from "./profile-level.js";

/** The mean of this many faces tells which contours are closed; only so many pictures are held at once. */
const CONTOUR_FACES = 32;

/** Learns the profiles of all resolutions from pictures that are let go one after the other. */
export class ProfileLearner {
  private early: { window: GrayWindow; shape: Float64Array }[] = [];
  private neighbours: Neighbours = [];
  private sums: ProfileSum[] = [];

  constructor(
    private readonly options: { levelCount: number; reach: number; contours: readonly (readonly number[])[] },
  ) {}

  add(window: GrayWindow, shape: Float64Array): void {
    if (this.sums.length > 0) {
      this.learn(window, shape);
      return;
    }
    this.early.push({ window, shape });
    if (this.early.length === CONTOUR_FACES) this.begin();
  }

  finish(): { neighbours: Neighbours; levels: ProfileLevel[] } {
    if (this.sums.length === 0) this.begin();
    return { neighbours: this.neighbours, levels: this.sums.map((sum) => sum.finish()) };
  }

  private begin(): void {
    const { levelCount, reach, contours } = this.options;
    const mean = new Float64Array(this.early[0]!.shape.length);
    for (const { shape } of this.early) for (let q = 0; q < mean.length; q++) mean[q]! += shape[q]! / this.early.length;
    this.neighbours = neighboursOf(mean, contours);
    this.sums = Array.from({ length: levelCount }, (_, level) => new ProfileSum(2 ** level, this.neighbours, reach));
    for (const { window, shape } of this.early.splice(0)) this.learn(window, shape);
  }

  private learn(window: GrayWindow, shape: Float64Array): void {
    let picture = window;
    for (const [level, sum] of this.sums.entries()) {
      if (level > 0) picture = halve(picture);
      sum.add(picture, shape);
    }
  }
}
