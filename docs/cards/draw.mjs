// Draws the golden cards as Teams draws them, wide and on a phone: the official renderer in Chromium.
// Fails where the renderer finds fault with a card, where a card is wider than its place, or leads where it is not told
// to. `make cards` runs it.
import { readdir, readFile, mkdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const cards = path.join(here, "../../tests/golden/cards");
const pictures = process.argv[2] ?? path.join(here, "../pictures");
const require = createRequire(import.meta.url);
const places = { wide: { width: 800, scale: 1 }, narrow: { width: 320, scale: 1.5 } };
const browsers = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM ?? browsers.find(existsSync);
if (!executablePath) {
  console.error("No Chromium: apt-get install chromium-headless-shell, or say where it is in CHROMIUM.");
  process.exit(1);
}

// What Teams looks like in its light theme, near enough to judge a card by.
const colors = (text, subtle, accent) => ({
  default: { default: text, subtle },
  accent: { default: accent, subtle: accent },
});
const theme = {
  fontFamily: "'Segoe UI', 'Open Sans', 'Noto Color Emoji', sans-serif",
  fontSizes: { small: 12, default: 14, medium: 16, large: 20, extraLarge: 24 },
  fontWeights: { lighter: 300, default: 400, bolder: 600 },
  lineHeights: { small: 16, default: 20, medium: 22, large: 28, extraLarge: 32 },
  spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 12 },
  separator: { lineThickness: 1, lineColor: "#D1D1D1" },
  supportsInteractivity: true,
  actions: { maxActions: 6 },
  containerStyles: {
    default: { backgroundColor: "#FFFFFF", foregroundColors: colors("#242424", "#616161", "#4F52B2") },
    emphasis: { backgroundColor: "#F5F5F5", foregroundColors: colors("#242424", "#616161", "#4F52B2") },
    accent: { backgroundColor: "#E8EBFA", foregroundColors: colors("#242424", "#525252", "#444791") },
  },
};
const style = `body { margin: 0; background: #FFFFFF } #card { margin: 8px; border: 1px solid #E0E0E0;
  border-radius: 6px; overflow: hidden } a { cursor: pointer }`;

const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox", "--force-color-profile=srgb"] });
let faults = 0;
try {
  await mkdir(pictures, { recursive: true });
  const page = await browser.newPage();
  await page.setContent(`<!doctype html><meta charset="utf-8"><style>${style}</style><div id="card"></div>`);
  await page.addStyleTag({ path: require.resolve("adaptivecards/dist/adaptivecards.css") });
  await page.addScriptTag({ path: path.join(here, "node_modules/adaptivecards/dist/adaptivecards.min.js") });
  await page.addScriptTag({ path: path.join(here, "node_modules/markdown-it/dist/markdown-it.min.js") });
  const names = (await readdir(cards)).filter((name) => name.endsWith(".json")).sort();
  for (const name of names) {
    const card = JSON.parse(await readFile(path.join(cards, name), "utf8"));
    for (const [place, { width, scale }] of Object.entries(places)) {
      await page.setViewport({ width, height: 600, deviceScaleFactor: scale });
      const found = await page.evaluate(draw, card, theme);
      for (const fault of found) console.error(`${name}, ${place}: ${fault}`);
      faults += found.length;
      const picture = path.join(pictures, `${name.replace(/\.json$/, "")}.${place}.png`);
      await page.screenshot({ path: picture, fullPage: true });
    }
  }
  console.log(`${names.length} cards drawn into ${path.relative(process.cwd(), pictures) || "."}, ${faults} faults.`);
} finally {
  await browser.close();
}
process.exit(faults ? 1 : 0);

// In the page: draws a card and tells what is wrong with it.
function draw(json, theme) {
  const place = document.getElementById("card");
  const reader = window.markdownit({ html: false, linkify: false });
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = reader.render(text);
    result.didProcess = true;
  };
  const card = new AdaptiveCards.AdaptiveCard();
  card.hostConfig = new AdaptiveCards.HostConfig(theme);
  const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_4);
  card.parse(json, context);
  place.replaceChildren(card.render());
  const faults = [];
  for (let number = 0; number < context.eventCount; number++) faults.push(context.getEventAt(number).message);
  for (const { message } of card.validateProperties().validationEvents) faults.push(message);
  const wide = document.documentElement.clientWidth;
  for (const part of place.querySelectorAll("*"))
    if (part.getBoundingClientRect().right > wide) faults.push(`wider than its place: ${part.textContent.slice(0, 60)}`);
  const allowed = new Set(JSON.stringify(json).match(/https?:[^"]*/g));
  for (const link of place.querySelectorAll("a[href]"))
    if (!allowed.has(link.getAttribute("href"))) faults.push(`leads elsewhere: ${link.getAttribute("href")}`);
  return faults;
}
