"""``docs/sandbox.md`` names the faults there are, and no others."""

import re
from pathlib import Path

from backend.sandbox.oauth import OAuthSandbox
from backend.sandbox.wechat_mp import WeChatMpSandbox
from backend.sandbox.wechat_pay.faults import CATALOGUE as WECHAT_PAY
from backend.sandbox.wecom import WeComSandbox
from backend.sandbox.zsxq.faults import CATALOGUE as ZSXQ

TEXT = (Path(__file__).parents[2] / "docs/sandbox.md").read_text()


def listed(title: str) -> set[str]:
    """Names in the first column of the table below a heading."""
    below = TEXT.split(f"\n### {title}\n")[1].split("\n### ")[0]
    cells = [line.split("|")[1] for line in below.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_faults_of_each_system():
    assert listed("wechat-pay") == set(WECHAT_PAY)
    assert listed("zsxq") == set(ZSXQ)
    oauth = OAuthSandbox()
    knobs = {*oauth.faults.catalogue, *WeChatMpSandbox(oauth).faults.catalogue, *WeComSandbox().faults.catalogue}
    assert listed("oauth, mp and wecom") == knobs
