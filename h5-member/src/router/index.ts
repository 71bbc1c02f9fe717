import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";

import { ownPage } from "@/utils/ownPage";

declare module "vue-router" {
  interface RouteMeta {
    title: string;
    /** Shown only to somebody logged in. */
    personal?: true;
    /** Has the tab bar below. */
    tabs?: true;
    /** Pages that a person is likely to open next: loaded while nothing else is going on. */
    next?: string[];
  }
}

export const routes: RouteRecordRaw[] = [
  {
    path: "/",
    name: "camps",
    component: () => import("@/views/camps/CampListPage.vue"),
    meta: { title: "训练营", tabs: true, next: ["camp", "enroll"] },
  },
  {
    path: "/camps/:id",
    name: "camp",
    component: () => import("@/views/camps/CampPage.vue"),
    props: true,
    meta: { title: "训练营详情", next: ["enroll"] },
  },
  {
    path: "/enroll/:campId",
    name: "enroll",
    component: () => import("@/views/payments/EnrollPage.vue"),
    props: true,
    meta: { title: "报名支付", personal: true, next: ["payment", "qrcode"] },
  },
  {
    path: "/payments/:id",
    name: "payment",
    component: () => import("@/views/payments/PaymentPage.vue"),
    props: true,
    meta: { title: "支付结果", personal: true },
  },
  {
    path: "/qrcode/:paymentId",
    name: "qrcode",
    component: () => import("@/views/payments/GroupQrPage.vue"),
    props: true,
    meta: { title: "加入训练营群", personal: true, next: ["progress"] },
  },
  {
    path: "/progress/:memberId",
    name: "progress",
    component: () => import("@/views/progress/ProgressPage.vue"),
    props: true,
    meta: { title: "打卡进度", personal: true },
  },
  {
    path: "/me",
    name: "me",
    component: () => import("@/views/me/MePage.vue"),
    meta: { title: "我的", personal: true, tabs: true, next: ["progress"] },
  },
  {
    path: "/refunds",
    name: "refunds",
    component: () => import("@/views/me/RefundListPage.vue"),
    meta: { title: "退款记录", personal: true },
  },
  {
    path: "/messages",
    name: "messages",
    component: () => import("@/views/me/MessageListPage.vue"),
    meta: { title: "消息", personal: true },
  },
  {
    path: "/members/:id/planet",
    name: "planet",
    component: () => import("@/views/me/PlanetPage.vue"),
    props: true,
    meta: { title: "修改星球信息", personal: true },
  },
  {
    path: "/login",
    name: "login",
    component: () => import("@/views/system/LoginPage.vue"),
    props: (route) => ({ to: ownPage(route.query.to) }),
    meta: { title: "登录" },
  },
  {
    path: "/auth/callback",
    name: "callback",
    component: () => import("@/views/system/LoginCallbackPage.vue"),
    meta: { title: "登录" },
  },
  {
    path: "/maintenance",
    name: "maintenance",
    component: () => import("@/views/system/MaintenancePage.vue"),
    props: (route) => ({ to: ownPage(route.query.to) }),
    meta: { title: "系统维护中" },
  },
  {
    path: "/:path(.*)*",
    name: "not-found",
    component: () => import("@/views/system/NotFoundPage.vue"),
    meta: { title: "页面不存在" },
  },
];

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});
