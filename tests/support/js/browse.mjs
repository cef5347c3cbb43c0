// Drives a real headless Chromium: opens a page and runs the functions that standard input names in it.
import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";

const { executable, url, steps } = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({
  executablePath: executable,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
try {
  const page = await browser.newPage(), asked = [], problems = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("response", (response) => (asked[asked.length - 1] += ` ${response.status()}`));
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(url);
  const answers = [];
  for (const step of steps) {
    answers.push(await page.evaluate(`(async () => { ${step} })()`).catch((error) => ({ failed: String(error) })));
  }
  process.stdout.write(JSON.stringify({ answers, asked, problems }));
} finally {
  await browser.close();
}
