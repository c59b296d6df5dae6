// Drive headless Chromium for chromium.py.
//
//     node benchmarks/measuring/browser/browser.mjs FOLDER CHROMIUM
//
// FOLDER has node_modules with puppeteer-core. Each line of standard input is a JSON list, a command of COMMANDS and its
// arguments; each line of standard output answers one, with {"value": ...} or {"error": ...}.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { resolve } from "node:path";

const [folder, executablePath] = process.argv.slice(2);
const puppeteer = createRequire(resolve(folder, "package.json"))("puppeteer-core");
const browser = await puppeteer.launch({
  executablePath,
  args: [
    "--no-sandbox", // Chromium does not start its sandbox for root
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // no network but this machine
    // The menu of its address bar is a page itself, which loads beside the one that is measured.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
  ],
  pipe: true,
});
const SETTLING = 300; // milliseconds in which the last page's process ends and the new one's starts, before a page is opened
let page; // the open one
let complaints; // what it wrote to its console, and exceptions nobody caught

const COMMANDS = {
  about: () => browser.version(),

  // Open a page with an empty cache, and close the last one.
  async open(url, viewport = null, features = []) {
    await page?.browserContext().close();
    page = await (await browser.createBrowserContext()).newPage();
    complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => complaints.push(message.text()));
    await page.setViewport(viewport);
    await page.emulateMediaFeatures(features);
    await new Promise((done) => setTimeout(done, SETTLING));
    await page.goto(url);
  },

  // Return the value of an expression, or of its promise, in the page.
  evaluate: (expression) => page.evaluate(expression),

  // Wait until an expression is true in the page.
  wait: async (expression) => void (await page.waitForFunction(expression)),

  type: (selector, text) => page.type(selector, text),
  press: (key) => page.keyboard.press(key),
  click: (selector) => page.click(selector),
  upload: async (selector, file) => (await page.$(selector)).uploadFile(file),
  screenshot: async (path) => void (await page.screenshot({ path, fullPage: true })),
  accessibility: () => page.accessibility.snapshot(), // what a screen reader is told
  complaints: () => complaints,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...rest] = JSON.parse(line);
  const answer = await Promise.resolve()
    .then(() => COMMANDS[command](...rest))
    .then((value) => ({ value: value ?? null }))
    .catch((error) => ({ error: String(error.message ?? error).split("\n")[0] }));
  console.log(JSON.stringify(answer));
}
await browser.close();
