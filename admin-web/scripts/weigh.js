// Fails when what the first page needs for its first paint grows beyond its limit (KB, gzip; JavaScript and CSS).
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMITS = {
  "src/views/system/LoginPage.vue": 250,
  "src/views/dashboard/DashboardPage.vue": 250,
};
const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));

/** The files behind `key` and everything that it imports statically. */
function filesOf(key, seen = new Set()) {
  if (seen.has(key)) return [];
  seen.add(key);
  const { file, css = [], imports = [] } = manifest[key];
  return [file, ...css, ...imports.flatMap((name) => filesOf(name, seen))];
}

const weigh = (file) => gzipSync(readFileSync(`dist/${file}`)).length / 1024;

for (const [page, limit] of Object.entries(LIMITS)) {
  const files = new Set([...filesOf("index.html"), ...filesOf("src/layout/AppLayout.vue"), ...filesOf(page)]);
  const total = [...files].map(weigh).reduce((sum, one) => sum + one, 0);
  const verdict = total > limit ? "TOO HEAVY" : "ok";
  console.log(`${page}: ${total.toFixed(1)} of ${limit} KB gzip in ${files.size} files, ${verdict}`);
  if (total > limit) process.exitCode = 1;
}
