/**
 * When to come back and when to ask again: pure rules (docs/protocol.md, "Closing").
 *
 * The range of a close code tells how to come back: 4000-4099 not by yourself, 4100-4199 back off,
 * 4200-4299 at once, 1012 when the server said.
 */

export const MAX_DELAY_MS = 30_000;

const FIRST_CEILING_MS = 500;
const SERVICE_RESTART = 1012;
const MAX_HINT_MS = 60_000;
const SPREAD_MS = 250;

/**
 * Exponential back-off with full jitter: any delay below a ceiling that doubles, so that many
 * clients which lost the same server do not come back as one.
 *
 * @param {number} attempt failures in a row before this one, from 0
 * @param {number} random in [0, 1)
 */
export function backoffMs(attempt, random = Math.random()) {
  const ceiling = Math.min(MAX_DELAY_MS, FIRST_CEILING_MS * 2 ** Math.min(attempt, 30));
  return Math.round(random * ceiling);
}

/**
 * @param {{code: number, drainMs: number | null, attempt: number}} end how the connection ended;
 *   `drainMs` is the server's `reconnectAfterMs`, null when it announced no drain
 * @param {number} random in [0, 1)
 * @returns {{reconnect: boolean, delayMs: number}}
 */
export function afterClose({ code, drainMs, attempt }, random = Math.random()) {
  if (code >= 4000 && code <= 4099) return { reconnect: false, delayMs: 0 };
  if (drainMs !== null) return { reconnect: true, delayMs: Math.min(drainMs, MAX_HINT_MS) };
  // A server that says "at once" twice in a row is in trouble: from then on the client backs off.
  const atOnce = code === SERVICE_RESTART || (code >= 4200 && code <= 4299);
  return { reconnect: true, delayMs: atOnce && attempt === 0 ? 0 : backoffMs(attempt, random) };
}

const RETRIABLE = new Set([
  "rate_limited", "slow_mode", "busy", "unavailable", "not_replicated", "internal", "not_joined",
]);

/** Their `retryAfterMs` is for the person: nothing waits for it. */
const SENTENCES = new Set(["banned", "muted"]);

/**
 * Whether the same command may succeed later, given the `error` that refused it.
 *
 * @param {{code: string, retryAfterMs?: number}} refusal
 */
export function mayRetry({ code, retryAfterMs }) {
  if (SENTENCES.has(code)) return false;
  return retryAfterMs !== undefined || RETRIABLE.has(code);
}

/**
 * When to try a refused command again: what the server said, else back-off.
 *
 * @param {{retryAfterMs?: number}} refusal
 * @param {number} attempt
 * @param {number} random in [0, 1)
 */
export function retryDelayMs({ retryAfterMs }, attempt, random = Math.random()) {
  if (retryAfterMs === undefined) return backoffMs(attempt, random);
  return retryAfterMs + Math.round(random * SPREAD_MS);
}
