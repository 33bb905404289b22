/** Attributes of a WFLW face, in the order of its list files; each also names a subset of the test faces. */
export const WFLW_ATTRIBUTES = ["largepose", "expression", "illumination", "makeup", "occlusion", "blur"] as const;
