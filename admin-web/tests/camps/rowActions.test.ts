import { flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { describe, expect, it } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";

import CampRowActions from "@/components/CampRowActions.vue";
import { useSession, type Permission } from "@/stores/session";

import { aCamp } from "./aCamp";

const MANAGER: Permission[] = ["camp.view", "camp.write", "refund.view"];
const COACH: Permission[] = ["camp.view", "refund.view"];
const VOLUNTEER: Permission[] = ["camp.view"];

async function shown(permissions: Permission[], status: Parameters<typeof aCamp>[0]) {
  const pinia = createPinia();
  setActivePinia(pinia);
  useSession().user = {
    id: "u",
    username: "u",
    display_name: "u",
    role: "manager",
    permissions,
    must_change_password: false,
  };
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: "/", component: { render: () => null } }],
  });
  const wrapper = mount(CampRowActions, {
    props: { camp: aCamp(status), busy: false },
    global: { plugins: [pinia, router] },
  });
  await flushPromises();
  return wrapper.findAll("button").map((button) => button.text());
}

describe("what can be done with a camp from the list", () => {
  it("follows its state", async () => {
    expect(await shown(MANAGER, { status: "draft" })).toEqual(["详情", "编辑", "发布", "删除"]);
    expect(await shown(MANAGER, { status: "enrolling" })).toEqual(["详情", "编辑", "报名码", "撤回"]);
    expect(await shown(MANAGER, { status: "ongoing" })).toEqual(["详情", "编辑", "报名码"]);
    expect(await shown(MANAGER, { status: "settling" })).toEqual(["详情", "编辑", "结算"]);
    expect(await shown(MANAGER, { status: "archived" })).toEqual(["详情"]);
  });

  it("follows the role", async () => {
    expect(await shown(COACH, { status: "enrolling" })).toEqual(["详情", "报名码"]);
    expect(await shown(COACH, { status: "settling" })).toEqual(["详情", "结算"]);
    expect(await shown(VOLUNTEER, { status: "settling" })).toEqual(["详情"]);
  });
});
