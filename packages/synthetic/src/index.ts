export { createSyntheticFaces, type SyntheticFaces, type SyntheticFacesOptions } from "./create-synthetic-faces.js";
