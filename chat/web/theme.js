// A plain script, run before anything is drawn, so that a theme chosen by hand never flashes.
try {
  const theme = JSON.parse(localStorage.getItem("chat.theme"));
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked or was tampered with: the system's theme it is.
}
