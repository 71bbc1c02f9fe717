import { expect, it } from "vitest";

import { useBatchReview } from "@/composables/useBatchReview";
import { planApproval, planRejection, SURE_ONLY } from "@/utils/batchPlan";

import { aRow } from "./rows";
import { useServer, type Answer } from "./server";
import { within } from "./within";

const server = useServer();
const rows = [aRow(), aRow()];
const APPROVE = "/api/admin/refunds/batch-approve";

const done: Answer = {
  data: {
    results: rows.map((row) => ({ id: row.refundId, ok: true, code: "ok", message: "" })),
    done: 2,
    skipped: 0,
  },
};
const approval = () =>
  within(() =>
    useBatchReview(
      () => "approve",
      () => planApproval(rows),
      () => SURE_ONLY,
    ),
  );

it("sends what the person saw, so that the service does exactly that", async () => {
  server.on("POST", APPROVE, () => done);
  const batch = approval();
  await batch.run("", "");
  expect(server.asked[0]?.body).toEqual({
    ids: rows.map((row) => row.refundId),
    rows: rows.map((row) => ({
      id: row.refundId,
      expected_verdict: "eligible",
      expected_amount_fen: 9900,
    })),
    expected_count: 2,
    expected_sum_fen: 19800,
    min_confidence: 100,
    accept_import: false,
  });
  expect(batch.result.value?.done).toBe(2);
});

it("asks again with the service's figures when it would do something else", async () => {
  const mismatch = {
    status: 409,
    code: "expectation_mismatch",
    message: "不一致",
    data: { count: 1, sum_fen: 9900 },
  };
  const answers: Answer[] = [mismatch, done];
  server.on("POST", APPROVE, () => answers.shift() ?? done);
  const batch = approval();
  await batch.run("", "");
  expect(batch.result.value).toBeNull();
  expect(batch.corrected.value).toEqual({ count: 1, sumFen: 9900 });
  expect(batch.error.value).toBeNull();
  await batch.run("", "");
  expect(server.asked[1]?.body).toMatchObject({ expected_count: 1, expected_sum_fen: 9900 });
});

it("asks for the password once the sum is large, and again when it was wrong", async () => {
  server.on("POST", APPROVE, ({ body }) => {
    if (body.password === undefined)
      return { status: 403, code: "password_required", message: "请输入登录密码确认" };
    return body.password === "right" ? done : { status: 403, code: "password_wrong", message: "密码不正确" };
  });
  const batch = approval();
  await batch.run("", "");
  expect(batch.passwordWanted.value).toBe(true);
  await batch.run("", "wrong");
  expect(batch.passwordWrong.value).toBe("密码不正确");
  await batch.run("", "right");
  expect(batch.passwordWrong.value).toBe("");
  expect(batch.result.value?.done).toBe(2);
});

it("is sent once when pressed twice", async () => {
  server.on("POST", APPROVE, () => done);
  const batch = approval();
  await Promise.all([batch.run("", ""), batch.run("", "")]);
  expect(server.asked).toHaveLength(1);
});

it("rejects with the reason and without asking about doubts", async () => {
  server.on("POST", "/api/admin/refunds/batch-reject", () => done);
  const batch = within(() =>
    useBatchReview(
      () => "reject",
      () => planRejection(rows),
      () => SURE_ONLY,
    ),
  );
  await batch.run("已退出", "");
  expect(server.asked[0]?.body).toEqual({
    ids: rows.map((row) => row.refundId),
    rows: rows.map((row) => ({
      id: row.refundId,
      expected_verdict: "eligible",
      expected_amount_fen: 9900,
    })),
    expected_count: 2,
    expected_sum_fen: 19800,
    reason: "已退出",
  });
});

it("asks the service which rows in doubt would pass, without letting any of them", async () => {
  server.on("POST", APPROVE, ({ body }) =>
    body.expected_count === 0
      ? { status: 409, code: "expectation_mismatch", message: "不一致", data: { count: 5, sum_fen: 100 } }
      : done,
  );
  const batch = approval();
  expect(await batch.ask()).toBe(true);
  expect(server.asked[0]?.body).toMatchObject({ expected_count: 0, expected_sum_fen: 0 });
  expect(batch.figures.value).toEqual({ count: 5, sumFen: 100 });
  expect([batch.corrected.value, batch.result.value]).toEqual([null, null]);
  await batch.run("", "");
  expect(server.asked[1]?.body).toMatchObject({ expected_count: 5, expected_sum_fen: 100 });
});
