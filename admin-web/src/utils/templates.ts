/** Empty sheets to fill in, with the columns that the service reads. */
import { saveFile } from "@/utils/files";

const SHEETS = {
  days: { name: "打卡日期导入模板.csv", rows: [["星球编号", "打卡日期"]] },
  totals: { name: "累计天数导入模板.csv", rows: [["星球编号", "累计天数"]] },
  members: {
    name: "星球成员导入模板.csv",
    rows: [
      [
        "成员编号",
        "用户昵称",
        "微信昵称",
        "星球名片昵称",
        "星球内备注昵称",
        "身份",
        "首次加入时间",
        "用户是否退出星球",
      ],
    ],
  },
};

export function saveTemplate(which: keyof typeof SHEETS): void {
  const { name, rows } = SHEETS[which];
  // The mark tells Excel that it is UTF-8.
  const text = `\uFEFF${rows.map((row) => row.join(",")).join("\r\n")}\r\n`;
  saveFile({ blob: new Blob([text], { type: "text/csv;charset=utf-8" }), name });
}
