/** What this browser remembers: plain data by key, and nothing where storage is blocked. */

/**
 * @param {string} key
 * @param {any} fallback where nothing is stored, or nothing that can be read
 */
export function recall(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

/** @param {string} key  @param {any} value plain data; null forgets it */
export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is blocked or full: it holds until the page is left.
  }
}
