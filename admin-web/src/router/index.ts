import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";

import { api } from "@/api/client";
import { useSession, type Permission } from "@/stores/session";

declare module "vue-router" {
  interface RouteMeta {
    title: string;
    /** Needed to open the page; the service checks again. */
    permission?: Permission;
    /** The menu entry that is marked while this page is open, by route name; its own name without it. */
    under?: string;
    /** Open to somebody who is not logged in. */
    open?: true;
  }
}

const pages: RouteRecordRaw[] = [
  { path: "", redirect: { name: "dashboard" } },
  {
    path: "dashboard",
    name: "dashboard",
    component: () => import("@/views/dashboard/DashboardPage.vue"),
    meta: { title: "工作台", permission: "camp.view" },
  },
  {
    path: "camps",
    name: "camps",
    component: () => import("@/views/camps/CampListPage.vue"),
    meta: { title: "训练营列表", permission: "camp.view" },
  },
  {
    path: "camps/create",
    name: "camp-create",
    component: () => import("@/views/camps/CampFormPage.vue"),
    meta: { title: "创建训练营", permission: "camp.write", under: "camps" },
  },
  {
    path: "camps/:id/edit",
    name: "camp-edit",
    component: () => import("@/views/camps/CampFormPage.vue"),
    props: true,
    meta: { title: "编辑训练营", permission: "camp.write", under: "camps" },
  },
  {
    path: "camps/:id",
    name: "camp",
    component: () => import("@/views/camps/CampPage.vue"),
    props: true,
    meta: { title: "训练营详情", permission: "camp.view", under: "camps" },
  },
  {
    path: "camps/:id/settle",
    name: "settle",
    component: () => import("@/views/settling/SettlePage.vue"),
    props: true,
    meta: { title: "结算", permission: "refund.view", under: "camps" },
  },
  {
    path: "members",
    name: "members",
    component: () => import("@/views/members/MemberListPage.vue"),
    meta: { title: "会员列表", permission: "member.view" },
  },
  {
    path: "members/:id",
    name: "member",
    component: () => import("@/views/members/MemberPage.vue"),
    props: true,
    meta: { title: "会员详情", permission: "member.view", under: "members" },
  },
  {
    path: "matching",
    name: "matching",
    component: () => import("@/views/members/MatchingPage.vue"),
    meta: { title: "身份匹配", permission: "member.match" },
  },
  {
    path: "planet-members",
    name: "planet-members",
    component: () => import("@/views/planets/PlanetMembersPage.vue"),
    meta: { title: "星球会员导入", permission: "checkin.sync" },
  },
  {
    path: "checkins",
    name: "checkins",
    component: () => import("@/views/checkins/CheckinListPage.vue"),
    meta: { title: "打卡记录", permission: "checkin.view" },
  },
  {
    path: "checkins/stats",
    name: "checkin-stats",
    component: () => import("@/views/checkins/CheckinStatsPage.vue"),
    meta: { title: "打卡统计", permission: "checkin.view" },
  },
  {
    path: "checkins/import",
    name: "checkin-import",
    component: () => import("@/views/checkins/CheckinImportPage.vue"),
    meta: { title: "打卡导入", permission: "checkin.sync", under: "checkins" },
  },
  {
    path: "system/sync-logs",
    name: "sync-logs",
    component: () => import("@/views/checkins/SyncLogPage.vue"),
    meta: { title: "同步日志", permission: "checkin.sync" },
  },
  {
    path: "refunds/pending",
    name: "refunds-pending",
    component: () => import("@/views/refunds/RefundReviewPage.vue"),
    meta: { title: "待审核", permission: "refund.view" },
  },
  {
    path: "refunds",
    name: "refunds",
    component: () => import("@/views/refunds/RefundListPage.vue"),
    meta: { title: "退款记录", permission: "refund.view" },
  },
  {
    path: "reconciliation",
    name: "reconciliation",
    component: () => import("@/views/refunds/ReconciliationPage.vue"),
    meta: { title: "对账", permission: "reconciliation" },
  },
  {
    path: "reports/camps",
    name: "report-camps",
    component: () => import("@/views/reports/CampReportPage.vue"),
    meta: { title: "训练营报表", permission: "report.view" },
  },
  {
    path: "reports/coaches",
    name: "report-coaches",
    component: () => import("@/views/reports/CoachReportPage.vue"),
    meta: { title: "教练绩效", permission: "report.view" },
  },
  {
    path: "planets",
    name: "planets",
    component: () => import("@/views/planets/PlanetListPage.vue"),
    meta: { title: "星球配置", permission: "planet.view" },
  },
  {
    path: "notifications",
    name: "notifications",
    component: () => import("@/views/notices/NotificationListPage.vue"),
    meta: { title: "通知记录", permission: "notice" },
  },
  {
    path: "system/notices",
    name: "notice-settings",
    component: () => import("@/views/notices/NoticeSettingsPage.vue"),
    meta: { title: "通知设置", permission: "settings" },
  },
  {
    path: "system/users",
    name: "users",
    component: () => import("@/views/system/UserListPage.vue"),
    meta: { title: "用户管理", permission: "user.write" },
  },
  {
    path: "system/logs",
    name: "logs",
    component: () => import("@/views/system/LogListPage.vue"),
    meta: { title: "操作日志", permission: "log.view" },
  },
  {
    path: "system/config",
    name: "settings",
    component: () => import("@/views/system/SettingsPage.vue"),
    meta: { title: "系统配置", permission: "settings" },
  },
  {
    path: "403",
    name: "forbidden",
    component: () => import("@/views/system/ForbiddenPage.vue"),
    meta: { title: "没有权限" },
  },
];

export const routes: RouteRecordRaw[] = [
  {
    path: "/login",
    name: "login",
    component: () => import("@/views/system/LoginPage.vue"),
    meta: { title: "登录", open: true },
  },
  { path: "/", component: () => import("@/layout/AppLayout.vue"), meta: { title: "" }, children: pages },
  {
    path: "/:path(.*)*",
    name: "not-found",
    component: () => import("@/views/system/NotFoundPage.vue"),
    meta: { title: "页面不存在", open: true },
  },
];

export const router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
  const session = useSession();
  if (to.meta.open) return true;
  if (session.token !== null && session.user === null) {
    try {
      await session.recall();
    } catch {
      // A refused token was dropped already; without the service the page itself tells what is wrong.
      if (session.token !== null) return true;
    }
  }
  if (session.token === null) return { name: "login", query: { to: to.fullPath } };
  if (to.meta.permission && session.user && !session.may(to.meta.permission)) return { name: "forbidden" };
  return true;
});

router.afterEach((to) => {
  document.title = `${to.meta.title} · 训练营管理后台`;
});

// Logged out elsewhere, disabled, or expired: whatever the page was about to do, log in first.
api.onRefusedToken(() => {
  const session = useSession();
  if (session.token === null) return;
  session.drop();
  const here = router.currentRoute.value;
  if (!here.meta.open) void router.push({ name: "login", query: { to: here.fullPath, again: "1" } });
});

/** A path inside the console; anything else becomes the dashboard. */
export function ownPage(value: unknown): string {
  return typeof value === "string" && /^\/(?![/\\])/.test(value) ? value : "/dashboard";
}
