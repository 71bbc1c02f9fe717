/**
 * `value` if it is a path inside this app that a log-in may lead back to, else the home page.
 *
 * The service holds to the same rule: one slash first, no backslash (browsers read it as a slash), no control
 * characters (browsers drop them before they look). The pages of the log-in itself would go round in circles.
 */
export function ownPage(value: unknown): string {
  if (typeof value !== "string" || value.length > 500) return HOME;
  if (!value.startsWith("/") || value.startsWith("//") || /[\\\u0000-\u001f\u007f-\u009f]/.test(value))
    return HOME;
  return /^\/(login|auth)(\/|\?|#|$)/.test(value) ? HOME : value;
}

const HOME = "/";
