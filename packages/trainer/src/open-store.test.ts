import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "./open-store.js";

it("openStore(folder) is a store in that folder", async () => {
  const root = mkdtempSync(join(tmpdir(), "acr-open-store-"));
  try {
    await (await openStore(root)).put("a", Uint8Array.of(5));
    expect([...readFileSync(join(root, "a"))]).toEqual([5]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

it.each(["gs://bucket/x", "s3://", "http://host/bucket", " "])("openStore(%j) throws", async (address) => {
  await expect(openStore(address)).rejects.toThrow(/address of a|address of the store/);
});
