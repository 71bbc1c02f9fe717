/** Short words at the top of the screen, and questions before something happens. */
import { ElMessage, ElMessageBox } from "element-plus";
import "element-plus/theme-chalk/el-button.css";
import "element-plus/theme-chalk/el-input.css";
import "element-plus/theme-chalk/el-message.css";
import "element-plus/theme-chalk/el-message-box.css";
import "element-plus/theme-chalk/el-overlay.css";
import { h } from "vue";

import type { ApiError } from "@shared/api";

export function tell(text: string): void {
  ElMessage.success({ message: text, grouping: true });
}

/** The service's own words for a refusal. */
export function tellRefusal(error: Pick<ApiError, "message">): void {
  ElMessage.error({ message: error.message, grouping: true, duration: 6000, showClose: true });
}

export interface Question {
  title: string;
  /** One paragraph each, with the figures that the person says yes to. */
  lines: string[];
  /** What the button does, in its own words. */
  yes: string;
  danger?: boolean;
}

/** True when the person says yes; closing the question is a no. */
export async function confirmed({ title, lines, yes, danger }: Question): Promise<boolean> {
  const paragraphs = lines.map((line) => h("p", { style: "margin: 0 0 8px" }, line));
  try {
    await ElMessageBox.confirm(h("div", paragraphs), title, {
      confirmButtonText: yes,
      cancelButtonText: "取消",
      confirmButtonType: danger ? "danger" : "primary",
      closeOnClickModal: false,
    });
    return true;
  } catch (closed) {
    if (closed === "cancel" || closed === "close") return false;
    throw closed;
  }
}
