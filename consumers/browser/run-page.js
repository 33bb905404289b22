// Serves files to headless Chromium and waits for the page to say what it found.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TYPES = { html: "text/html", js: "text/javascript", json: "application/json", wasm: "application/wasm" };
const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
];

/** What a page is served with that may share memory with its workers. */
export const ISOLATING_HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** The command that starts Chromium; undefined where there is none. */
export function findChromium() {
  return [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"].find(
    (name) => name && spawnSync(name, ["--version"]).status === 0,
  );
}

/**
 * @param {string} browser - of `findChromium`.
 * @param {(path: string) => string | Uint8Array | undefined} read - what lies under a path, e.g. `/bundle.js`, which the page
 *   loads as a module.
 * @param options - `headers`: what goes with each answer, beside its type.
 * @returns the JSON that the page posts.
 */
export async function runPage(browser, read, { flags = [], headers = {}, timeoutMs = 60_000 } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  try {
    return await new Promise((resolve, reject) => {
      const server = createServer((request, response) => {
        if (request.method === "POST") {
          let text = "";
          request.on("data", (chunk) => {
            text += chunk;
          });
          request.on("end", () => {
            response.end();
            finish(() => resolve(JSON.parse(text)));
          });
          return;
        }
        const isPage = request.url === "/";
        const body = isPage ? '<!doctype html><script type="module" src="/bundle.js"></script>' : read(request.url);
        response.statusCode = body === undefined ? 404 : 200;
        response.setHeader("content-type", TYPES[isPage ? "html" : request.url.split(".").at(-1)] ?? "text/plain");
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        response.end(body);
      });
      let chromium;
      const stop = () => chromium && killGroup(chromium);
      process.once("exit", stop);
      const finish = (settle) => {
        clearTimeout(timer);
        process.off("exit", stop);
        server.close();
        server.closeAllConnections();
        if (!chromium || chromium.exitCode !== null) return settle();
        // Its profile can be removed only once it has gone.
        chromium.once("exit", settle);
        stop();
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`))),
        timeoutMs,
      );
      server.listen(0, "127.0.0.1", () => {
        const address = `http://127.0.0.1:${server.address().port}/`;
        chromium = spawn(browser, [...FLAGS, ...flags, `--user-data-dir=${profile}`, address], {
          stdio: "ignore",
          // A group of its own, so that its helpers end with it.
          detached: process.platform !== "win32",
        });
        chromium.on("error", (error) => finish(() => reject(error)));
      });
    });
  } finally {
    try {
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch {
      // A helper of the browser may still write there for a moment; what it leaves in the temporary folder harms nobody.
    }
  }
}

function killGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}
