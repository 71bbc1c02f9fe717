// Fails when what the first page needs for its first paint grows beyond its limit, when one file does, or when a page
// brings the charts along before it shows one (KB, gzip; JavaScript and CSS).
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMITS = {
  "src/views/system/LoginPage.vue": 250,
  "src/views/dashboard/DashboardPage.vue": 250,
};
const CHARTS = "src/utils/charts.ts";
const CHARTS_LIMIT = 190;
const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));

/** The files behind `key` and everything that it imports statically. */
function filesOf(key, seen = new Set()) {
  if (seen.has(key)) return [];
  seen.add(key);
  const { file, css = [], imports = [] } = manifest[key];
  return [file, ...css, ...imports.flatMap((name) => filesOf(name, seen))];
}

const weigh = (file) => gzipSync(readFileSync(`dist/${file}`)).length / 1024;

function judge(what, files, limit) {
  const total = [...files].map(weigh).reduce((sum, one) => sum + one, 0);
  const verdict = total > limit ? "TOO HEAVY" : "ok";
  console.log(`${what}: ${total.toFixed(1)} of ${limit} KB gzip in ${files.size} files, ${verdict}`);
  if (total > limit) process.exitCode = 1;
}

const started = new Set([...filesOf("index.html"), ...filesOf("src/layout/AppLayout.vue")]);
for (const [page, limit] of Object.entries(LIMITS))
  judge(page, new Set([...started, ...filesOf(page)]), limit);

const charts = new Set(filesOf(CHARTS).filter((file) => !started.has(file)));
judge(CHARTS, charts, CHARTS_LIMIT);
const early = Object.keys(manifest).filter(
  (key) => key !== CHARTS && !key.startsWith("_") && filesOf(key).some((file) => charts.has(file)),
);
for (const key of early) console.log(`${key}: brings the charts along`);
if (early.length > 0) process.exitCode = 1;
