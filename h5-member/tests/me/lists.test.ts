import { beforeEach, describe, expect, it } from "vitest";

import { fresh } from "../support/app";
import { count, ok, on, refusal, sent } from "../support/network";
import { me, message, refundRow, rows } from "./factory";
import { openPage, type OpenedPage } from "./page";

let opened: OpenedPage;

beforeEach(fresh);

describe("refunds", () => {
  const PAGE_1 = /refunds\?page=1$/;
  const PAGE_2 = /refunds\?page=2$/;

  it("say what they are for", async () => {
    const second = refundRow({
      id: "r2",
      kind: "duplicate",
      member_id: null,
      days: null,
      required_days: null,
      amount_fen: 19950,
    });
    on(PAGE_1, ok(rows([refundRow({ id: "r1" }), second])));
    opened = await openPage("/refunds");
    expect(opened.text()).toContain("¥99押金退款 · 打卡 8/7 天金额以审核结果为准生成");
    expect(opened.text()).toContain("¥199.50支付退回生成");
    expect(opened.links()).toEqual(["/progress/m1"]);
    expect(opened.text()).toContain("没有更多了");
  });

  it("come page by page, and a page that failed can be asked for again", async () => {
    on(PAGE_1, ok(rows([refundRow({ id: "r1" })], 2)));
    on(PAGE_2, "offline");
    opened = await openPage("/refunds");
    await opened.report("van-list", "load");
    expect(opened.text()).toContain("没有加载成功，点这里重试");
    expect(opened.text()).toContain("¥99");
    on(PAGE_2, ok(rows([refundRow({ id: "r2", amount_fen: 8800 })], 2)));
    await opened.app.get(".van-list__error-text").trigger("click");
    await opened.report("van-list", "load");
    expect(opened.text()).toContain("¥88");
    expect(opened.app.findAll("article")).toHaveLength(2);
  });

  it("keep what is shown when refreshing fails", async () => {
    on(PAGE_1, ok(rows([refundRow()])));
    opened = await openPage("/refunds");
    on(PAGE_1, "offline");
    await opened.report("van-pull-refresh", "refresh");
    expect(opened.text()).toContain("没有更新成功，以下是之前的内容");
    expect(opened.app.findAll("article")).toHaveLength(1);
  });

  it("may be none", async () => {
    on(PAGE_1, ok(rows([])));
    opened = await openPage("/refunds");
    expect(opened.text()).toContain("还没有退款记录");
  });

  it("offer to try again", async () => {
    on(PAGE_1, refusal(500, "internal_error", "服务出错了"));
    opened = await openPage("/refunds");
    on(PAGE_1, ok(rows([])));
    await opened.press("重试");
    expect(opened.text()).toContain("还没有退款记录");
  });
});

describe("messages", () => {
  const PAGE_1 = /messages\?page=1$/;
  const READ = /^POST .*\/messages\/read$/;

  beforeEach(() => {
    on(/\/me$/, ok(me()));
    on(READ, ok({ unread: 0 }));
  });

  it("are marked as read once shown, and keep their mark on the page", async () => {
    on(PAGE_1, ok(rows([message({ id: "n1", read: false }), message({ id: "n2" })])));
    opened = await openPage("/messages");
    expect(count(READ)).toBe(1);
    // The dot on the tab goes out.
    expect(count(/\/me$/)).toBe(1);
    expect(opened.app.findAll("article h2").map((title) => title.text())).toEqual([
      "未读：报名成功",
      "报名成功",
    ]);
  });

  it("are not marked when there is nothing new", async () => {
    on(PAGE_1, ok(rows([message()])));
    opened = await openPage("/messages");
    expect(sent).toHaveLength(1);
  });

  it("are marked by the next visit when it failed", async () => {
    on(PAGE_1, ok(rows([message({ read: false })])));
    on(READ, "offline");
    opened = await openPage("/messages");
    expect(opened.app.findAll("article")).toHaveLength(1);
    await opened.report("van-pull-refresh", "refresh");
    expect(count(READ)).toBe(2);
  });

  it("lead to the progress, or to the refunds for somebody without a place", async () => {
    on(PAGE_1, ok(rows([message(), message({ id: "n2", member_id: null, title: "支付将退回" })])));
    opened = await openPage("/messages");
    expect(opened.links()).toEqual(["/progress/m1", "/refunds"]);
  });
});
