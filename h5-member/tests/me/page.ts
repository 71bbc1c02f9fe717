/** A page of somebody logged in, and what Vant's parts of it are told. */
import type { VueWrapper } from "@vue/test-utils";

import { open, settled, type Opened } from "../support/app";

export interface OpenedPage extends Opened {
  /** Where the links of the page lead, from top to bottom. */
  links: () => (string | undefined)[];
  /** Let a component of Vant report `event`: a pull, a scroll to the end. */
  report: (component: "van-pull-refresh" | "van-list", event: string) => Promise<void>;
}

export async function openPage(path: string): Promise<OpenedPage> {
  const opened = await open(path, "t");
  return {
    ...opened,
    text: () => opened.app.get("main").text().replace(/\s+/g, " "),
    links: () => opened.app.findAll("main a").map((link) => link.attributes("href")),
    report: async (component, event) => {
      (opened.app.findComponent({ name: component }) as VueWrapper).vm.$emit(event);
      await settled();
    },
  };
}
