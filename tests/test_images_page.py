"""The spec in docs/images.md is right, and gives the network what the page says."""

import re
from pathlib import Path

from specc.check import check
from specc.source import Source

PAGE = (Path(__file__).parent.parent / "docs" / "images.md").read_text(encoding="utf-8")


def test_its_spec_is_right() -> None:
    (text,) = re.findall(r"```cnn\n(.*?)```", PAGE, re.DOTALL)
    checked = check(Source("net.cnn", text), everything=True)
    assert not checked.diagnostics and checked.graph is not None
    assert checked.graph.input == (3, 224, 224) and "takes 3 x 224 x 224" in PAGE
