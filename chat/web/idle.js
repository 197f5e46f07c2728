/** Whether anybody is at the page. */

const IDLE_MS = 5 * 60_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focus"];

/** @param {(isIdle: boolean) => void} tell is called when that changes */
export function watchIdleness(tell) {
  let timer;
  const noticed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => tell(true), IDLE_MS);
    tell(false);
  };
  for (const sign of SIGNS) addEventListener(sign, noticed, { passive: true, capture: true });
  noticed();
}
