/** What browsers and Node differ in. */

/**
 * The few members of the WebSocket interface that are used, so that any implementation fits.
 *
 * @typedef {object} WebSocketLike
 * @property {number} readyState
 * @property {any} onmessage
 * @property {any} onclose
 * @property {any} onerror
 * @property {(data: string) => void} send
 * @property {(code?: number) => void} close
 */

/** @typedef {new (url: string, protocols: string[]) => WebSocketLike} WebSocketClass */

export const OPEN = 1; // of `readyState`

/** @returns {WebSocketClass} the global one: in browsers, and in Node from version 22 on */
export function globalWebSocket() {
  const found = /** @type {{WebSocket?: WebSocketClass}} */ (globalThis).WebSocket;
  if (found === undefined) {
    throw new TypeError("There is no global WebSocket here: pass one as the option `WebSocket`.");
  }
  return found;
}

/** Whether there may be a network. A hint: only a browser knows, and it may be wrong. */
export function isOnline() {
  return globalThis.navigator?.onLine !== false;
}

/**
 * @param {() => void} onNetwork the browser came by a network, or lost it
 * @param {() => void} onShown the page is looked at again, after its timers stood still
 * @returns {() => void} ends it
 */
export function watchEnvironment(onNetwork, onShown) {
  const page = globalThis.document;
  const shown = () => {
    if (!page.hidden) onShown();
  };
  globalThis.addEventListener?.("online", onNetwork);
  globalThis.addEventListener?.("offline", onNetwork);
  page?.addEventListener("visibilitychange", shown);
  return () => {
    globalThis.removeEventListener?.("online", onNetwork);
    globalThis.removeEventListener?.("offline", onNetwork);
    page?.removeEventListener("visibilitychange", shown);
  };
}

/** An id that nobody else has. `randomUUID` exists on https and localhost only. */
export function newId() {
  if (globalThis.crypto?.randomUUID !== undefined) return globalThis.crypto.randomUUID();
  return Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 10)).join("-");
}
