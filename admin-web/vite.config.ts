import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import components from "unplugin-vue-components/vite";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

// Node can't load the style sheets that Element Plus' own modules ask for, and tests see no styles.
const importStyle = process.env.VITEST ? false : "css";
// Of `npm run dev` alone: what is built talks to the server that it comes from.
const { API_URL = "" } = loadEnv("development", import.meta.dirname, "API_");
const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/admin/",
  plugins: [
    vue(),
    // Element Plus' components bring their styles along; our own are imported by name.
    components({
      dirs: [],
      resolvers: [ElementPlusResolver({ importStyle })],
      dts: "src/components.gen.d.ts",
    }),
  ],
  resolve: {
    alias: { "@": folder("./src"), "@shared": folder("../web-shared") },
    // What both front-ends share has no packages of its own: it uses each one's.
    dedupe: ["vue", "axios"],
  },
  server: { port: 5174, proxy: { "/api": API_URL, "/media": API_URL } },
  build: {
    target: "es2022",
    manifest: true,
    assetsInlineLimit: 1024,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // Beside the charts that draw with it: it changes with its own releases only, and both load at once.
          groups: [{ name: "zrender", test: /node_modules.zrender/ }],
        },
      },
    },
  },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"] },
});
