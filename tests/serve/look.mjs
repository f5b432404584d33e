// Opens the status page as a browser does, on a phone and on a desk, by day and by night, and saves what is seen.
// Fails where something is wider than its place, where the browser complains, or where anything else is fetched.
// usage: node look.mjs LINK FOLDER, with a link that is good once.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const puppeteer = createRequire(path.join(here, "../../docs/cards/package.json"))("puppeteer-core");
const [link, folder] = process.argv.slice(2);
const browsers = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM ?? browsers.find(existsSync);
const places = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };

const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--force-color-profile=srgb"] });
const faults = [];
try {
  await mkdir(folder, { recursive: true });
  const page = await browser.newPage();
  const origin = new URL(link).origin;
  page.on("console", (message) => faults.push(`the browser says: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`the browser says: ${error.message}`));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.origin !== origin || asked.pathname !== "/") faults.push(`asks for ${asked.origin}${asked.pathname}`);
  });
  await page.goto(link);
  if (page.url() !== `${origin}/`) faults.push("the address still shows the link");
  if (await page.evaluate(() => document.cookie)) faults.push("a script can read the cookie");
  for (const [place, { width, height }] of Object.entries(places)) {
    for (const scheme of ["light", "dark"]) {
      await page.setViewport({ width, height, deviceScaleFactor: place === "phone" ? 2 : 1 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.goto(`${origin}/`);
      for (const text of await page.evaluate(tooWide)) faults.push(`${place}: wider than its place: ${text}`);
      await page.screenshot({ path: path.join(folder, `status.${place}.${scheme}.png`), fullPage: true });
    }
  }
  console.log(await page.evaluate(() => document.body.innerText));
} finally {
  await browser.close();
}
for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);

// In the page: the text of what reaches over the edge.
function tooWide() {
  const wide = document.documentElement.clientWidth;
  const all = [...document.querySelectorAll("body *")];
  return all.filter((one) => one.getBoundingClientRect().right > wide).map((one) => one.textContent.slice(0, 60));
}
