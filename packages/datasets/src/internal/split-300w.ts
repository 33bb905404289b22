const TRAIN = ["afw", "helen/trainset", "lfpw/trainset"];
const COMMON = ["helen/testset", "lfpw/testset"];

/** The named splits: their folders with the number of faces that were published. */
const SPLITS: Record<string, readonly string[]> = {
  train: TRAIN,
  common: COMMON,
  test: COMMON,
  challenging: ["ibug"],
  full: [...COMMON, "ibug"],
  private: ["01_Indoor", "02_Outdoor"],
};

/** Faces in each official folder. */
export const PUBLISHED_300W: Readonly<Record<string, number>> = {
  afw: 337,
  "helen/trainset": 2000,
  "helen/testset": 330,
  "lfpw/trainset": 811,
  "lfpw/testset": 224,
  ibug: 135,
  "01_Indoor": 300,
  "02_Outdoor": 300,
};

/** The folders of a split and whether it is one of the named ones. */
export function split300W(split: string): { folders: readonly string[]; named: boolean } {
  const named = Object.hasOwn(SPLITS, split);
  return { folders: named ? SPLITS[split]! : splitFolders(split), named };
}

/** A comma-separated list of folders. */
export const splitFolders = (split: string): string[] =>
  split
    .split(",")
    .map((folder) => folder.trim().replace(/\/+$/, ""))
    .filter((folder) => folder !== "");
