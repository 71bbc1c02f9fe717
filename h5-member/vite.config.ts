import { fileURLToPath } from "node:url";
import { VantResolver } from "@vant/auto-import-resolver";
import vue from "@vitejs/plugin-vue";
import components from "unplugin-vue-components/vite";
import { defineConfig } from "vitest/config";

// Where `make dev` serves the API.
const API = "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [
    vue(),
    // Vant's components bring their styles along; our own are imported by name.
    components({ dirs: [], resolvers: [VantResolver()], dts: "src/components.gen.d.ts" }),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: { port: 5173, proxy: { "/api": API, "/media": API } },
  build: {
    // The oldest WebViews that Vue 3 (Proxy) and native modules allow: WeChat for Android brings its own
    // Chromium, iOS uses the system's. See docs/decisions/0013.
    target: ["es2018", "chrome66", "ios12"],
    cssTarget: ["chrome66", "ios12"],
    manifest: true,
    // Small pictures inside JavaScript would delay the first paint.
    assetsInlineLimit: 1024,
  },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"] },
});
