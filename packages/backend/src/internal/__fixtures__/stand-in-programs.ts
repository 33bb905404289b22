import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Scripts that stand in for `nvidia-smi`, in a folder that is removed behind the tests. */
export function standInPrograms(): { folder: string; script: (name: string, body: string) => string } {
  const folder = mkdtempSync(join(tmpdir(), "acr-gpu-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const script = (name: string, body: string) => {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return file;
  };
  return { folder, script };
}
