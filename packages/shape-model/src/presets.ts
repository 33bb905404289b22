export { syntheticShapeModel } from "./synthetic-shape-model.js";
