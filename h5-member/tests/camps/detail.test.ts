import { mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it } from "vitest";

import RichText from "@/components/RichText.vue";

import { fresh, open, settled } from "../support/app";
import { camp, me, membership, order } from "../support/camps";
import { PRO_RATA } from "../support/rules";
import { count, ok, on, refusal, release } from "../support/network";

beforeEach(() => {
  fresh();
  on(/camps\/c1/, ok(camp()));
  on(/\/me$/, ok(me()));
});

describe("a camp", () => {
  it("shows what is asked and what is given back", async () => {
    const { text, app } = await open("/camps/c1");
    for (const part of [
      "早起写作营",
      "¥99",
      "2026年3月1日 – 3月21日",
      "21 天累计打卡满 15 天，全额退还",
      "2月28日 23:59",
      "12 个（共 100 个）",
      "88 人",
      "每天打卡，退 ¥99",
      "累计打卡 14 天，退 ¥0",
      "未达到要求，押金 ¥99 不退还",
      "结束后 7 天内完成审核",
    ]) {
      expect(text()).toContain(part);
    }
    expect(document.title).toBe("早起写作营");
    expect(app.findAll("h1")).toHaveLength(1);
  });

  it("shows a deal by days with its examples, and the fee apart from the deposit", async () => {
    on(/camps\/c1/, ok(camp({ deposit_fen: 12000, rule: PRO_RATA })));
    const { text, app } = await open("/camps/c1");
    for (const part of [
      "押金 ¥100",
      "另付服务费 ¥20，开营后不退",
      ...PRO_RATA.full,
      ...PRO_RATA.examples.map((example) => example.text),
      "未达到要求，押金 ¥100 会少退或不退",
    ]) {
      expect(text()).toContain(part);
    }
    expect(app.findAll(".examples .none").map((item) => item.text())).toEqual(["累计打卡 1 天，退 ¥0"]);
    expect(text()).not.toContain("押金 ¥120");
  });

  it("lets a stranger enrol", async () => {
    const { app } = await open("/camps/c1");
    expect(app.find(".inner a").attributes("href")).toBe("/enroll/c1");
    expect(app.find(".inner").text()).toBe("立即报名");
  });

  it("leads a member to group and progress", async () => {
    on(/\/me$/, ok(me({ memberships: [membership(camp())] })));
    const { app } = await open("/camps/c1", "t");
    expect(app.findAll(".inner a").map((link) => [link.text(), link.attributes("href")])).toEqual([
      ["查看群二维码", "/qrcode/p1"],
      ["查看进度", "/progress/m1"],
    ]);
  });

  it("lets an open order be paid", async () => {
    on(/\/me$/, ok(me({ orders: [order(camp())] })));
    const { app } = await open("/camps/c1", "t");
    expect(app.find(".inner a").attributes("href")).toBe("/payments/p2");
    expect(app.find(".inner").text()).toBe("继续支付 ¥88");
  });

  it("doesn't offer to enrol before it knows who asks", async () => {
    on(/\/me$/, "later");
    const { app } = await open("/camps/c1", "t");
    expect(app.find(".inner button").attributes("disabled")).toBeDefined();
    on(/\/me$/, "offline");
    release();
    await settled();
    expect(app.find(".inner").text()).toBe("立即报名");
  });

  it.each([
    ["full", "已满员"],
    ["not_open", "报名未开始"],
    ["closed", "报名已结束"],
  ] as const)("that is %s can't be pressed", async (state, words) => {
    on(/camps\/c1/, ok(camp({ enroll_state: state })));
    const { app } = await open("/camps/c1");
    expect(app.find(".inner button").text()).toBe(words);
    expect(app.find(".inner button").attributes("disabled")).toBeDefined();
    expect(app.find(".inner a").exists()).toBe(false);
  });

  it("that is unknown is a page of its own", async () => {
    on(/camps\/c1/, refusal(404, "not_found", "训练营不存在或尚未发布"));
    const { text, app } = await open("/camps/c1");
    expect(text()).toContain("训练营不存在或尚未发布");
    expect(app.find("main a.button").attributes("href")).toBe("/");
    expect(text()).not.toContain("重试");
  });

  it("that can't be read can be asked for again", async () => {
    on(/camps\/c1/, "timeout");
    const { text, press } = await open("/camps/c1");
    expect(text()).toContain("网络有点慢，请重试");
    on(/camps\/c1/, ok(camp()));
    await press("重试");
    expect(text()).toContain("早起写作营");
    expect(count(/camps\/c1/)).toBe(2);
  });
});

describe("a description", () => {
  const html = (text: string) => mount(RichText, { props: { html: text } }).find(".rich").element.innerHTML;

  it("keeps the marks that staff may use", () => {
    expect(html("<h2>适合谁</h2><p>想<b>读书</b>的<br>人</p><ul><li>一</li></ul>")).toBe(
      "<h3>适合谁</h3><p>想<b>读书</b>的<br>人</p><ul><li>一</li></ul>",
    );
  });

  it("keeps plain text with its lines and signs", () => {
    expect(mount(RichText, { props: { html: "第一行\n1 &lt; 2 &amp; 3" } }).text()).toBe("第一行\n1 < 2 & 3");
  });

  it("drops line breaks between blocks", () => {
    expect(html("<p>一</p>\n\n<p>二</p>")).toBe("<p>一</p><p>二</p>");
  });

  it("links to web pages only", () => {
    expect(html('<a href="https://a.example/x">看</a>')).toContain('href="https://a.example/x"');
    expect(html('<a href="javascript:alert(1)">看</a>')).toBe("<span>看</span>");
    expect(html('<a href="/me">看</a>')).toBe("<span>看</span>");
  });

  it("builds nothing that could run, whatever the service sends", () => {
    const made = html(
      '<img src=x onerror="a()"><p onclick="a()">好</p><object data="x"></object><svg onload="a()"></svg>',
    );
    expect(made).not.toMatch(/onerror|onclick|onload|img|object|svg/);
    expect(made).toContain("<p>好</p>");
  });
});
