"""What axe finds wrong with a page for those who cannot see it, or not well."""

from tests.browser.window import Window
from tests.clients.node import SDK, install, node

_SERIOUS = """async () => {
  const { violations } = await axe.run(document);
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}"""


async def flaws(window: Window) -> list[str]:
    """Return what is serious, each with the elements that it is about."""
    node()
    install()
    await window.page.evaluate((SDK / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found: list[str] = await window.page.evaluate(_SERIOUS)
    return found
