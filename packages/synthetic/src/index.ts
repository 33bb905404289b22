export { createSyntheticFaces, type SyntheticFacesOptions } from "./create-synthetic-faces.js";
