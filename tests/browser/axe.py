"""axe-core, from the packages of h5-member, looks at a page as it stands."""

from typing import Any

from playwright.async_api import Page

from tests.browser.chromium import FRONT_END

# Half-way through fading in, letters are paler than they will be. A spinner turns for ever and isn't waited for.
_RUN = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  const ending = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(ending.map((one) => one.finished));
  const found = await window.axe.run(document, { resultTypes: ["violations"] });
  return found.violations;
}"""


async def findings(page: Page) -> list[str]:
    """Serious and critical violations, one line per element: rule, element, what is wrong with it."""
    source = (FRONT_END / "node_modules" / "axe-core" / "axe.min.js").read_text()
    await page.evaluate(source)
    violations: list[dict[str, Any]] = await page.evaluate(_RUN)
    return [
        f"{violation['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
