import { onScopeDispose } from "vue";

import { api, type Schemas } from "@/api/client";
import { useLoad, type Load } from "@shared/useLoad";

/** A picture that fails although its address is new is not asked for again and again. */
const PAUSE_MS = 5_000;

export interface GroupQrLoad extends Load<Schemas["QrCodeOut"]> {
  /** The picture didn't come: its address may have died. */
  renew: () => void;
}

/** The group's QR code of an order. Asked for again when the person comes back to the page. */
export function useGroupQr(paymentId: string): GroupQrLoad {
  const asked = useLoad(() =>
    api.get("/api/h5/payments/{payment_id}/qrcode", { path: { payment_id: paymentId } }),
  );
  let lastAt = -Infinity;

  function load(): Promise<void> {
    lastAt = performance.now();
    return asked.load();
  }

  function renew(): void {
    if (performance.now() - lastAt > PAUSE_MS) void load();
  }

  function onReturn(): void {
    if (!document.hidden) renew();
  }

  document.addEventListener("visibilitychange", onReturn);
  onScopeDispose(() => {
    document.removeEventListener("visibilitychange", onReturn);
  });
  return { ...asked, load, renew };
}
