#!/usr/bin/env node
/**
 * Opens a report in headless Chromium, wide and narrow, light and dark: no console message of level error, no request, no
 * sideways scrolling, and no serious fault that axe-core can find. Prints one JSON document; exits 1 on a fault and 0,
 * with a message, where there is no Chromium.
 *
 *   node packages/report/scripts/check-page.mjs report.html [--screenshots folder]
 *
 * CHROMIUM names the browser; otherwise the usual places are looked at.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, option, folder] = process.argv.slice(2);
if (!file || !existsSync(file) || (option !== undefined && (option !== "--screenshots" || !folder))) {
  console.error("usage: check-page.mjs report.html [--screenshots folder]");
  process.exit(2);
}
const browserPath = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path && existsSync(path));
if (!browserPath) {
  console.error("check-page: no Chromium here; set CHROMIUM to one. Skipped.");
  process.exit(0);
}
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});
const views = [];
try {
  for (const [width, height] of [
    [1280, 900],
    [360, 740],
  ]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      const errors = [];
      const requests = [];
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("dialog", (dialog) => {
        errors.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
      });
      page.on("request", (request) => /^(https?|wss?):/.test(request.url()) && requests.push(request.url()));
      await page.goto(pathToFileURL(resolve(file)).href);
      const look = (name) =>
        folder && page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      await look("page");
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await page.evaluate(() => {
        for (const details of document.querySelectorAll("details")) details.open = true;
      });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      const faults = violations.map(({ id, impact, nodes }) => ({
        id,
        impact,
        count: nodes.length,
        first: nodes[0].html.slice(0, 160),
      }));
      views.push({ width, colorScheme, errors, requests, overflow, faults });
      await page.close();
    }
  }
  if (folder) {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(resolve(file)).href);
    await page.pdf({ path: join(folder, "print.pdf"), format: "A4" });
  }
} finally {
  await browser.close();
}
const isFaulty = ({ errors, requests, overflow, faults }) =>
  errors.length > 0 ||
  requests.length > 0 ||
  overflow > 0 ||
  faults.some(({ impact }) => impact === "serious" || impact === "critical");
console.log(
  JSON.stringify(
    { bytes: statSync(file).size, axe: /axe v([\d.]+)/.exec(axe)?.[1], browser: browserPath, views },
    null,
    2,
  ),
);
process.exitCode = views.some(isFaulty) ? 1 : 0;
