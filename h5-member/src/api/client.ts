import { ApiError, asApiError, createApi, type WayCode } from "@shared/api";

import { takeBegun } from "@/api/begun";

import type { components, paths } from "./schema.gen";

export type Schemas = components["schemas"];

/** A refusal of the service, or one of what can go wrong on the way to it. */
export type ErrorCode = Schemas["ErrorCode"] | WayCode;

export { ApiError, asApiError };

export const api = createApi<paths>(takeBegun);

export const { useToken, onRefusedToken } = api;
