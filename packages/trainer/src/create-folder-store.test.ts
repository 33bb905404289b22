import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolderStore } from "./create-folder-store.js";

const root = mkdtempSync(join(tmpdir(), "acr-store-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("createFolderStore puts, gets and lists files below its folder", async () => {
  const store = createFolderStore(join(root, "new"));
  expect(await store.list("")).toEqual([]);
  await store.put("a/b/1", Uint8Array.of(1, 2));
  await store.put("a/2", Uint8Array.of(3));
  await store.put("a/2", Uint8Array.of(4));
  expect(await store.list("a/")).toEqual(["a/2", "a/b/1"]);
  expect(await store.list("a/b")).toEqual(["a/b/1"]);
  expect([...(await store.get("a/2"))!]).toEqual([4]);
  expect(await store.get("a/3")).toBeUndefined();
});

it("createFolderStore refuses keys that lead out of the folder, and says why it cannot write", async () => {
  const store = createFolderStore(join(root, "safe"));
  for (const key of ["../a", "a/../../b", "", "/a", "a//b"])
    await expect(store.put(key, Uint8Array.of(1))).rejects.toThrow("a key must be names separated by slashes");
  writeFileSync(join(root, "file"), "");
  await expect(createFolderStore(join(root, "file")).put("a", Uint8Array.of(1))).rejects.toThrow(
    "a part of the path is a file",
  );
});
