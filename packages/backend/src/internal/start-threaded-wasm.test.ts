import { tmpdir } from "node:os";
import { setupBackend } from "../setup-backend.js";

it("setupBackend finds the threaded wasm build from any folder", async () => {
  const before = process.cwd();
  process.chdir(tmpdir());
  try {
    expect(await setupBackend({ prefer: ["wasm"], threads: 2 })).toMatchObject({ name: "wasm", threads: 2 });
  } finally {
    process.chdir(before);
  }
});
