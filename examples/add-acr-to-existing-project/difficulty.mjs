// Φ of every training face: what a shape model of the training faces cannot explain with a few modes is hard.
import { difficultyTensor, PointModel } from "@acr/shape-model";
import { landmarks } from "./project.mjs";

const model = PointModel.fit(landmarks.arraySync());
export const difficulty = difficultyTensor(model, landmarks, { modes: 3 });
