// Fails when what a page needs for its first paint grows beyond its limit (KB, gzip; JavaScript and CSS).
// usage: node scripts/weigh.js [folder of the build]
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMITS = { "src/views/camps/CampListPage.vue": 90, "src/views/payments/EnrollPage.vue": 130 };

const dist = process.argv[2] ?? "dist";
const manifest = JSON.parse(readFileSync(`${dist}/.vite/manifest.json`, "utf8"));

/** The files behind `key` and everything that it imports statically. */
function filesOf(key, seen = new Set()) {
  if (seen.has(key)) return [];
  seen.add(key);
  const { file, css = [], imports = [] } = manifest[key];
  return [file, ...css, ...imports.flatMap((name) => filesOf(name, seen))];
}

const weigh = (file) => gzipSync(readFileSync(`${dist}/${file}`)).length / 1024;

for (const [page, limit] of Object.entries(LIMITS)) {
  const files = new Set([manifest["style.css"].file, ...filesOf("index.html"), ...filesOf(page)]);
  const total = [...files].map(weigh).reduce((sum, one) => sum + one, 0);
  const verdict = total > limit ? "TOO HEAVY" : "ok";
  console.log(`${page}: ${total.toFixed(1)} of ${limit} KB gzip in ${files.size} files, ${verdict}`);
  if (total > limit) process.exitCode = 1;
}
