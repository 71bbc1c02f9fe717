import { describe, expect, it } from "vitest";

import { useUpload } from "@/composables/useUpload";

import { useServer } from "../refunds/server";
import { within } from "../refunds/within";

const server = useServer();
const file = new File(["no picture"], "群.png", { type: "image/png" });

describe("useUpload", () => {
  it("says what the service found wrong with the picture, until another one is taken", async () => {
    const upload = within(() => useUpload("group_qr", () => undefined));
    expect(upload.refusal.value).toBe("");
    const words = "无法识别的图片，仅支持 JPG 和 PNG";
    const fields = [{ field: "file", message: words }];
    server.on("POST", "/api/admin/uploads", () => ({
      status: 422,
      code: "validation_error",
      message: "提交的内容有误，请检查后再试",
      data: { fields },
    }));
    expect(await upload.run(file)).toBe(false);
    expect(upload.refusal.value).toBe(words);

    server.on("POST", "/api/admin/uploads", () => ({
      status: 503,
      code: "unavailable",
      message: "服务暂时不可用",
    }));
    await upload.run(file);
    expect(upload.refusal.value).toBe("服务暂时不可用");

    server.on("POST", "/api/admin/uploads", () => ({ data: { key: "group_qr/a.png", url: "/media/a.png" } }));
    expect(await upload.run(file)).toBe(true);
    expect(upload.refusal.value).toBe("");
  });
});
