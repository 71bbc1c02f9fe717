import { fileURLToPath } from "node:url";
import { VantResolver } from "@vant/auto-import-resolver";
import vue from "@vitejs/plugin-vue";
import components from "unplugin-vue-components/vite";
import { loadEnv, type Plugin, type Rolldown } from "vite";
import { defineConfig } from "vitest/config";

// Of `npm run dev` alone: what is built talks to the server that it comes from.
const { API_URL = "" } = loadEnv("development", import.meta.dirname, "API_");
const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// Pages that people open from a link: first part of the path → view.
const LANDINGS = {
  "": "camps/CampListPage",
  camps: "camps/CampPage",
  enroll: "payments/EnrollPage",
  progress: "progress/ProgressPage",
};

/** Tells the script in index.html which files these pages need, so that they load beside the app, not after it. */
function landingFiles(): Plugin {
  return {
    name: "landing-files",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle = {}, chunk: entry }) {
        const chunkOf = (file: string) => bundle[file] as Rolldown.OutputChunk;
        const known = new Set(entry ? [entry.fileName, ...entry.imports] : []);
        const filesOf = (file: string): string[] => {
          if (known.has(file)) return [];
          return [file, ...chunkOf(file).imports.flatMap(filesOf)];
        };
        const pages = Object.entries(LANDINGS).map(([path, view]) => {
          const page = Object.values(bundle).find(
            (file) => file.type === "chunk" && file.facadeModuleId?.endsWith(`${view}.vue`),
          );
          return [path, page ? [...new Set(filesOf(page.fileName))] : []];
        });
        return html.replace("{} /* pages */", JSON.stringify(Object.fromEntries(pages)));
      },
    },
  };
}

/** axios's adapter for `fetch` comes along even when nobody asks for it; the client uses `xhr`, which has time-outs. */
function axiosWithoutFetch(): Plugin {
  const EMPTY = "\0axios-without-fetch";
  return {
    name: "axios-without-fetch",
    apply: "build",
    enforce: "pre",
    resolveId: (source, importer = "") =>
      source === "./fetch.js" && importer.includes("/axios/lib/adapters/") ? EMPTY : null,
    load: (id) => (id === EMPTY ? "export const getFetch = null;" : null),
  };
}

export default defineConfig({
  plugins: [
    vue(),
    // Vant's components bring their styles along (tests run in Node, which can't import them); our own are
    // imported by name.
    components({
      dirs: [],
      resolvers: [VantResolver({ importStyle: !process.env.VITEST })],
      dts: "src/components.gen.d.ts",
    }),
    landingFiles(),
    axiosWithoutFetch(),
  ],
  resolve: {
    alias: { "@": folder("./src"), "@shared": folder("../web-shared") },
    // What both front-ends share has no packages of its own: it uses each one's.
    dedupe: ["vue", "axios"],
  },
  define: { __VUE_OPTIONS_API__: false },
  server: { port: 5173, proxy: { "/api": API_URL, "/media": API_URL } },
  build: {
    // The oldest WebViews that Vue 3 (Proxy) and native modules allow: WeChat for Android brings its own
    // Chromium, iOS uses the system's. See docs/decisions/0014.
    target: ["es2018", "chrome66", "ios12"],
    cssTarget: ["chrome66", "ios12"],
    manifest: true,
    // All styles together are 9 KB: one file costs a first visit less than one for each page.
    cssCodeSplit: false,
    // What pages share is one file, not a dozen of a few hundred bytes.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "libraries", test: /node_modules/, minShareCount: 5, priority: 1 },
            { name: "shared", minShareCount: 2 },
          ],
        },
      },
    },
    // Small pictures inside JavaScript would delay the first paint.
    assetsInlineLimit: 1024,
  },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"] },
});
