/** Waiting for what comes about, without guessing how long it takes. */

export async function until(condition, what, limitMs = 30_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The next event of a name that fits. Ask before it can have come. */
export function next(emitter, name, fits = () => true, limitMs = 30_000) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`never came: ${name}`)), limitMs);
    const off = emitter.on(name, (payload) => {
      if (!fits(payload)) return;
      clearTimeout(late);
      off();
      resolve(payload);
    });
  });
}
