import "@tensorflow/tfjs-backend-cpu";
import { AcrError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import {
  acrLoss,
  createLoss,
  l2Loss,
  packTargets,
  perGroup,
  plotLoss,
  poseBalanced,
  poseBins,
  uncertaintyWeighted,
  weightedSum,
  withVisibility,
} from "./index.js";

beforeAll(() => tf.setBackend("cpu"));

const points = () => tf.zeros([2, 3, 2]);
const phi = () => tf.zeros([2, 3]);
const loss = createLoss("l2");
const scheme = { id: "mine", landmarkCount: 3, groups: { a: [0, 1] } };
const bins = { edges: [0], weights: [1, 2] };
const nothing = undefined as never;
const disposed = () => {
  const x = points();
  x.dispose();
  return x;
};

/** What a stranger got silently wrong numbers or a bare TypeError for, or could. */
const CASES: [what: string, call: () => unknown, message: string][] = [
  ["a disposed tensor", () => l2Loss(disposed(), points()), "predictions must be a tensor; got a disposed one"],
  ["a disposed Φ", () => acrLoss(points(), points(), { difficulty: disposed() }), "difficulty must be a tensor"],
  ["a λ that is 0 in float32", () => createLoss("acr", { lambda: 1e-300 }), "lambda must be a finite number > 0"],
  [
    "a scale beyond float32",
    () => createLoss("acr", { scale: 1e300 }),
    "scale must be a finite number > 0; got 1e+300",
  ],
  ["options as text", () => createLoss("acr", "{}" as never), "options of acr must be an object; got string"],
  ["no options", () => createLoss("weightedSum", null as never), "options of weightedSum must be an object; got null"],
  ["a part that is null", () => weightedSum([null as never]), "weightedSum: losses[0]: options must be an object"],
  ["a misspelt weight", () => weightedSum([{ loss, wieght: 2 } as never]), 'unknown option "wieght"'],
  ["no predictions", () => loss(nothing, points()), "l2 loss: predictions must be a tensor; got undefined"],
  ["no targets", () => loss(points(), nothing), "l2 loss: targets must be a tensor; got undefined"],
  ["no predictions in a group", () => perGroup(loss, scheme, { a: 2 })(nothing, points()), "must be a tensor"],
  [
    "no predictions by pose",
    () => poseBalanced(loss, bins)(nothing, points(), { pose: tf.zeros([2]) }),
    "must be a tensor",
  ],
  [
    "visibility as an array",
    () => withVisibility(loss)(points(), points(), { visibility: [1] as never }),
    "visibility must be a tensor; got an array",
  ],
  [
    "visibility of other shape",
    () => withVisibility(loss)(points(), points(), { visibility: tf.zeros([2, 4]) }),
    "withVisibility: visibility must be [2, 3]; got [2, 4]",
  ],
  [
    "visible points of rank 1",
    () => withVisibility(loss)(tf.zeros([6]), tf.zeros([6]), { visibility: phi() }),
    "predictions must be [B, K, 2] or [B, 2K]; got [6]",
  ],
  [
    "a group beyond the scheme",
    () => perGroup(loss, { ...scheme, groups: { a: [0, 7] } }, { a: 2 }),
    "group a of mine must be an array of landmarks from 0 to 2; got [0,7]",
  ],
  ["a group that is no list", () => perGroup(loss, { ...scheme, groups: { a: 5 as never } }, { a: 2 }), "got 5"],
  ["a scheme without groups", () => perGroup(loss, { ...scheme, groups: {} }, { a: 2 }), "which has no groups"],
  ["a scheme of no size", () => perGroup(loss, { ...scheme, landmarkCount: -3 }, {}), "landmarkCount > 0"],
  ["no coefficients", () => poseBins(null as never), "at least one"],
  ["bins without end", () => poseBins([1, 2], { binCount: 1e12 }), "binCount must be an integer from 2 to 1000"],
  [
    "log variances as null",
    () => uncertaintyWeighted([loss], { initialLogVariances: null as never }),
    "must be 1 finite numbers",
  ],
  ["a curve without end", () => plotLoss("acr", { pointCount: 1e10 + 1 }), "pointCount must be an odd integer from 3"],
  ["packed arrays", () => packTargets([[1, 2]] as never), "packTargets: targets must be a tensor; got an array"],
  ["packed whole numbers", () => packTargets(tf.zeros([2, 6], "int32"), phi()), "targets must be float32; got int32"],
  ["a packed array of Φ", () => packTargets(points(), [[1]] as never), "difficulty must be a tensor; got an array"],
];

it.each(CASES)("refuses %s with a typed error", (_, call, message) => {
  tf.tidy(() => {
    let error: unknown;
    try {
      call();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(AcrError);
    expect((error as Error).message).toContain(message);
  });
});
