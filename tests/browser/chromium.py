"""The browser the tests drive: the one ``CAMP_CHROMIUM`` names, else the one among the packages of h5-member.

That package carries a headless Chromium with the libraries it needs, so that the tests want nothing installed.
"""

import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, async_playwright

FRONT_END = Path(__file__).parents[2] / "h5-member"

_UNPACK = "import chromium from '@sparticuz/chromium'; console.log(await chromium.executablePath());"
# The fonts of the machine, if it has any, and one that is there on every machine.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{directory}/fonts</dir>
  <cachedir>{directory}/font-cache</cachedir>
</fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """What starts, and with which environment."""

    executable: str
    environment: dict[str, str]


def find_chromium(directory: Path) -> Chromium:
    """The browser; the packaged one is unpacked into ``directory`` first, some 200 MB in two seconds."""
    named = os.environ.get("CAMP_CHROMIUM")
    if named:
        return Chromium(named, dict(os.environ))
    # The package unpacks its libraries only where it believes to be in the cloud function it is made for.
    environment = dict(os.environ) | {"TMPDIR": str(directory), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"}
    done = subprocess.run(
        ["node", "--input-type=module", "-e", _UNPACK],
        cwd=FRONT_END,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the packaged Chromium can't be unpacked; name another by CAMP_CHROMIUM:\n{done.stderr}")
    fonts = directory / "fonts.conf"
    fonts.write_text(_FONTS.format(directory=directory))
    return Chromium(
        done.stdout.strip(),
        {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "LD_LIBRARY_PATH": str(directory / "al2023" / "lib"),
            "FONTCONFIG_FILE": str(fonts),
            "LC_ALL": "C.UTF-8",  # else names of downloads keep no Chinese
        },
    )


@asynccontextmanager
async def running(chromium: Chromium) -> AsyncIterator[Browser]:
    """The started browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable,
            env={**chromium.environment},  # nothing else of ours
            args=["--disable-gpu"],
        )
        yield browser
        await browser.close()
