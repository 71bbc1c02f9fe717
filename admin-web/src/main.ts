import "element-plus/theme-chalk/base.css";
import "@/styles/base.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "@/App.vue";
import { permission } from "@/directives/permission";
import { router } from "@/router";

createApp(App).use(createPinia()).use(router).directive("permission", permission).mount("#app");
