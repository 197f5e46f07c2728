/** A page that did not come whole, as where the network changes under it, is asked for again. No module: they may be what is missing. */

(() => {
  const COUNT = "chat.again";
  const MOST = 3;
  const WAIT_MS = 1_000;
  let failed = false;

  const isNeeded = ({ tagName, rel }) => tagName === "SCRIPT" || (tagName === "LINK" && rel === "stylesheet");

  /** @returns {number} how often it was tried already; where nothing can be noted, often enough */
  function note() {
    try {
      const times = Number(sessionStorage.getItem(COUNT) ?? 0);
      sessionStorage.setItem(COUNT, String(times + 1));
      return times;
    } catch {
      return MOST;
    }
  }

  function giveUp() {
    const said = document.createElement("p");
    said.className = "noscript";
    said.role = "alert";
    said.textContent = "The page did not come whole. Please reload it.";
    document.body.prepend(said);
  }

  addEventListener("error", ({ target }) => {
    if (failed || target === window || !isNeeded(target)) return;
    failed = true;
    const times = note();
    if (times < MOST) setTimeout(() => location.reload(), WAIT_MS * (times + 1));
    else addEventListener("load", giveUp);
  }, true);

  addEventListener("load", () => {
    try {
      if (!failed) sessionStorage.removeItem(COUNT);
    } catch {
      // Nothing was noted.
    }
  });
})();
