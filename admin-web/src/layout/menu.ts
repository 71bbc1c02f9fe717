/** The side menu: groups of route names. What a person may not open is left out. */
export interface MenuGroup {
  title: string;
  icon: "Odometer" | "Flag" | "User" | "Calendar" | "Money" | "TrendCharts" | "Setting";
  pages: string[];
}

export const MENU: MenuGroup[] = [
  { title: "工作台", icon: "Odometer", pages: ["dashboard"] },
  { title: "训练营", icon: "Flag", pages: ["camps"] },
  { title: "会员", icon: "User", pages: ["members", "matching", "planet-members"] },
  { title: "打卡", icon: "Calendar", pages: ["checkins", "checkin-stats", "sync-logs"] },
  { title: "退款", icon: "Money", pages: ["refunds-pending", "refunds", "reconciliation"] },
  { title: "报表", icon: "TrendCharts", pages: ["report-camps", "report-coaches"] },
  {
    title: "系统",
    icon: "Setting",
    pages: ["notifications", "planets", "users", "notice-settings", "settings", "logs"],
  },
];
