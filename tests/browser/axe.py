"""What axe finds wrong with a page for those who cannot see it, or not well."""

from playwright.async_api import Page

from tests.clients.node import SDK, install, node

_SERIOUS = """async () => {
  const { violations } = await axe.run(document);
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}"""


async def violations(page: Page) -> list[str]:
    """Return what is serious, each with the elements that it is about."""
    node()
    install()
    await page.evaluate((SDK / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found: list[str] = await page.evaluate(_SERIOUS)
    return found
