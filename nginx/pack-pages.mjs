#!/usr/bin/env node
// Lay both built apps out as nginx serves them, each text also packed for gzip_static and brotli_static:
//   nginx/pack-pages.mjs /var/lib/camp/pages
// The folder appears whole or not at all, and takes the place of the one before.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const PACKED = new Set([".html", ".js", ".css", ".json", ".webmanifest", ".svg", ".txt"]);
const PACKED_FROM = 1024;

const root = resolve(import.meta.dirname, "..");
if (process.argv.length !== 3) {
  console.error("usage: nginx/pack-pages.mjs FOLDER");
  process.exit(2);
}
const target = resolve(process.argv[2]);
const fresh = `${target}.new`;
const old = `${target}.old`;

rmSync(fresh, { recursive: true, force: true });
mkdirSync(dirname(target), { recursive: true });
// What tools keep for themselves, such as Vite's manifest, isn't for the world.
const isPublic = (path) => !basename(path).startsWith(".");
cpSync(join(root, "h5-member", "dist"), fresh, { recursive: true, filter: isPublic });
cpSync(join(root, "admin-web", "dist"), join(fresh, "admin"), { recursive: true, filter: isPublic });

for (const entry of readdirSync(fresh, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath ?? entry.path, entry.name);
  if (!entry.isFile() || !PACKED.has(extname(path))) continue;
  const plain = readFileSync(path);
  if (plain.length < PACKED_FROM) continue;
  writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  );
}

rmSync(old, { recursive: true, force: true });
if (existsSync(target)) renameSync(target, old);
renameSync(fresh, target);
rmSync(old, { recursive: true, force: true });
