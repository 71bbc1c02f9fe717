"""How pytest-xdist shares out the tests: one worker takes all browser tests, as they share one running system.

(Its own way, ``--dist loadgroup``, does nothing with pytest 9.2: it writes groups into an attribute that is read no
more.) A conftest activates this with ``pytest_plugins = ["tests.workers"]``.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_TOGETHER = "tests/browser/"


class _BrowserTogether(LoadScopeScheduling):  # type: ignore[misc] # its package ships no types
    """Every test by itself, but those of one folder as a whole, which is begun first."""

    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER if nodeid.startswith(_TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _BrowserTogether | None:
    """Of pytest-xdist. Another way to share out that was asked for is left alone."""
    return _BrowserTogether(config, log) if config.getoption("dist") == "load" else None
