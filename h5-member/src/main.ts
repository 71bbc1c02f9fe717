import "@/styles/base.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "@/App.vue";
import { router } from "@/router";
import { guard } from "@/router/guards";

const app = createApp(App).use(createPinia());
guard(router);
app.use(router);

// What index.html shows meanwhile stays until there is a page to put in its place.
function mount(): void {
  document.getElementById("trouble")?.remove();
  app.mount("#app");
}
router.isReady().then(mount, mount);
