import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFormatError } from "@acr/core";
import { openPrepared, openWflw } from "../index.js";
import { asUnreadable } from "./read-source.js";

const root = mkdtempSync(join(tmpdir(), "acr-read-source-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder where a file should be: no permissions are needed, so root sees it too. */
const folder = (...names: string[]) => {
  const path = join(root, ...names);
  mkdirSync(path, { recursive: true });
  return path;
};

it.each([
  ["a prepared file", () => openPrepared({ file: folder("faces.acr") })],
  [
    "the list of WFLW",
    () => {
      folder("WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_train.txt");
      return openWflw({ root, split: "train" });
    },
  ],
])("a folder in place of %s is a DataFormatError that names it", async (_, open) => {
  const attempt = (async () => open())();
  await expect(attempt).rejects.toBeInstanceOf(DataFormatError);
  await expect(attempt).rejects.toThrow(/is a folder; expected a file/);
});

it("asUnreadable(file, error) leaves errors of other kinds as they are", () => {
  const error = new TypeError("x");
  expect(asUnreadable("a", error)).toBe(error);
  expect(asUnreadable("a", undefined)).toBeUndefined();
  const denied = Object.assign(new Error("no"), { code: "EACCES", syscall: "open" });
  expect(asUnreadable("a.csv", denied)).toMatchObject({
    message: expect.stringContaining("a.csv: cannot be read (EACCES)"),
  });
});
