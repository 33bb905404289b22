// Serves the bundle to headless Chromium and waits for the page to say what it trained.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const TIMEOUT_MS = 60_000;
const browser = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"].find(
  (name) => name && spawnSync(name, ["--version"]).status === 0,
);
if (!browser) {
  console.log("skipped: no Chromium");
  process.exit(0);
}

const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const result = await new Promise((resolve, reject) => {
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
    } else if (request.url === "/") {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><script type="module" src="/bundle.js"></script>');
    } else if (request.url === "/bundle.js") {
      response.setHeader("content-type", "text/javascript");
      response.end(readFileSync("bundle.js"));
    } else if (request.url.startsWith("/wasm/")) {
      response.setHeader("content-type", "application/wasm");
      response.end(readFileSync(`node_modules/@tensorflow/tfjs-backend-wasm/dist/${basename(request.url)}`));
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  let chromium;
  const finish = (settle) => {
    clearTimeout(timer);
    chromium?.kill();
    server.close();
    server.closeAllConnections();
    settle();
  };
  const timer = setTimeout(
    () => finish(() => reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`))),
    TIMEOUT_MS,
  );
  server.listen(0, "127.0.0.1", () => {
    const flags = ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"];
    flags.push(
      "--disable-component-update",
      "--disable-sync",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
    );
    chromium = spawn(browser, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/`], {
      stdio: "ignore",
    });
    chromium.on("error", (error) => finish(() => reject(error)));
  });
}).finally(() => setTimeout(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }), 500));

console.log(JSON.stringify(result));
if (result.error) throw new Error(result.error);
for (const [backend, { loop, skipped }] of Object.entries(result)) {
  if (skipped && backend === "webgl") continue;
  if (!(loop?.[1] < loop?.[0] / 5)) throw new Error(`${backend}: the loss went from ${loop?.[0]} to ${loop?.[1]}`);
}
