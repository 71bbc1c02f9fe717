import { defineConfigWithVueTs, vueTsConfigs } from "@vue/eslint-config-typescript";
import prettier from "eslint-config-prettier";
import vue from "eslint-plugin-vue";

export default defineConfigWithVueTs(
  { ignores: ["dist/", "src/**/*.gen.ts", "src/**/*.gen.d.ts"] },
  vue.configs["flat/recommended"],
  vueTsConfigs.strict,
  vueTsConfigs.stylistic,
  {
    rules: {
      eqeqeq: ["error", "smart"],
      "no-console": "error",
      "no-empty": ["error", { allowEmptyCatch: false }],
      "vue/block-order": ["error", { order: ["script", "template", "style"] }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-macros-order": "error",
      "vue/no-v-html": "error",
      "vue/require-default-prop": "off",
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
    },
  },
  {
    // Of ES2019 the oldest WebViews lack these.
    files: ["src/**"],
    rules: {
      "no-restricted-properties": [
        "error",
        { property: "flat" },
        { property: "flatMap" },
        { object: "Object", property: "fromEntries" },
      ],
    },
  },
  {
    files: ["scripts/*.js"],
    languageOptions: { globals: { process: "readonly", console: "readonly" } },
    rules: { "no-console": "off" },
  },
  prettier,
);
