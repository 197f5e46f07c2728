/**
 * What to do after a connection ended: pure rules, so that they can be read and tested alone.
 *
 * The range of a close code tells how to come back (docs/protocol.md):
 * 4000-4099 not by yourself, 4100-4199 back off, 4200-4299 at once, 1012 when the server said.
 */

export const MIN_DELAY_MS = 500;
export const MAX_DELAY_MS = 20_000;

const FIRST_CEILING_MS = 1_000;
const SERVICE_RESTART = 1012;
const MAX_HINT_MS = 60_000;

/**
 * Exponential back-off with full jitter: any delay below a ceiling that doubles, so that many
 * clients which lost the same server do not come back as one.
 *
 * @param {number} attempt failures in a row before this one, from 0
 * @param {number} random in [0, 1)
 */
export function backoffMs(attempt, random = Math.random()) {
  const ceiling = Math.min(MAX_DELAY_MS, FIRST_CEILING_MS * 2 ** Math.min(attempt, 30));
  return Math.round(MIN_DELAY_MS + random * (ceiling - MIN_DELAY_MS));
}

/**
 * @param {{code: number, drainMs: number | null, attempt: number}} end how the connection ended;
 *   `drainMs` is the server's `reconnectAfterMs`, null when it announced no drain
 * @param {number} random in [0, 1)
 * @returns {{reconnect: boolean, delayMs: number}}
 */
export function afterClose({ code, drainMs, attempt }, random = Math.random()) {
  if (code >= 4000 && code <= 4099) return { reconnect: false, delayMs: 0 };
  if (drainMs !== null || code === SERVICE_RESTART) {
    const delayMs = drainMs === null ? backoffMs(0, random) : Math.min(drainMs, MAX_HINT_MS);
    return { reconnect: true, delayMs };
  }
  // A server that says "at once" twice in a row is in trouble: from then on the client backs off.
  if (code >= 4200 && code <= 4299 && attempt === 0) return { reconnect: true, delayMs: 0 };
  return { reconnect: true, delayMs: backoffMs(attempt, random) };
}

const RETRIABLE = new Set([
  "rate_limited", "slow_mode", "busy", "unavailable", "internal", "not_joined",
]);

/** Whether the same command may succeed later, given the `error` that refused it. */
export function mayRetry({ code, retryAfterMs }) {
  return retryAfterMs !== undefined || RETRIABLE.has(code);
}

/** When to try a refused command again: what the server said, else back-off. */
export function retryDelayMs({ retryAfterMs }, attempt, random = Math.random()) {
  if (retryAfterMs === undefined) return backoffMs(attempt, random);
  return retryAfterMs + Math.round(random * 250);
}
