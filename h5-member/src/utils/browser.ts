/** What kind of browser this is: it decides how a member logs in and pays. */

/** WeChat's own browser; the desktop's and WeCom's carry the same word. */
export function inWeChat(userAgent = navigator.userAgent): boolean {
  return /MicroMessenger/i.test(userAgent);
}

export function onPhone(userAgent = navigator.userAgent): boolean {
  return /Android|iPhone|iPad|iPod|Mobile|HarmonyOS/i.test(userAgent);
}
