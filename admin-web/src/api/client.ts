import { ApiError as AnyApiError, asApiError as asAny, createApi } from "@shared/api";

import type { components, paths } from "./schema.gen";

export type Schemas = components["schemas"];
export type ApiError = AnyApiError<Schemas["ErrorCode"]>;

export const api = createApi<paths>();

/** Whatever was thrown, as an ApiError. */
export const asApiError = (error: unknown) => asAny(error) as ApiError;
