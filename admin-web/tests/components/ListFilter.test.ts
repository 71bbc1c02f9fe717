import { mount } from "@vue/test-utils";
import { expect, it, vi } from "vitest";
import { reactive, ref } from "vue";

import ListFilter, { type Field } from "@/components/ListFilter.vue";

type Key = "tab" | "state" | "from" | "to" | "q" | "person";

const FIELDS: Field<Key>[] = [
  { kind: "choice", key: "state", label: "状态", choices: [{ value: "paid", label: "已支付" }] },
  { kind: "days", from: "from", to: "to", label: "支付日期" },
  { kind: "own", key: "person" },
  { kind: "text", key: "q", label: "昵称或编号" },
];

function shown(fields = FIELDS) {
  const all = { tab: "closed", state: "paid", from: "2026-03-01", to: "2026-03-05", q: "林", person: "m1" };
  const form = reactive<Record<Key, string>>({ ...all });
  const search = vi.fn();
  const list = { form, state: ref<"done">("done"), search };
  const page = mount(ListFilter<Key>, { props: { list, fields }, slots: { person: "<em>一位会员</em>" } });
  return { form, search, page };
}

it("draws each field by its kind, and the page's own in its slot", async () => {
  const { form, search, page } = shown();
  expect(page.find("input[aria-label=状态]").exists()).toBe(true);
  expect(page.find("em").text()).toBe("一位会员");
  expect(page.findAll("input").map((input) => input.element.value)).toEqual(
    expect.arrayContaining(["2026-03-01", "2026-03-05", "林"]),
  );
  await page.find("input[placeholder=昵称或编号]").setValue("雨");
  await page.find("form").trigger("submit");
  expect(form.q).toBe("雨");
  expect(search).toHaveBeenCalledTimes(1);
});

it("takes back what it shows, and leaves the rest of the address", async () => {
  const { form, search, page } = shown(FIELDS.slice(1));
  await page.find("button[type=button].el-button").trigger("click");
  expect(form).toEqual({ tab: "closed", state: "paid", from: "", to: "", q: "", person: "" });
  expect(search).toHaveBeenCalledTimes(1);
});
