"""Published architectures, and the examples, get no warning that is not true of them."""

from pathlib import Path

import pytest

from specc.check import check
from specc.source import Source

ARCHITECTURES = Path(__file__).parents[1] / "architectures"
WARNINGS = {
    "network_in_network": ["W512", "W512"],  # 27 of 32 pixels, in both of its variants
    "squeezenet": ["W512"],  # 155 of 224 pixels
}


@pytest.mark.parametrize("path", sorted(ARCHITECTURES.glob("*.cnn")), ids=lambda path: path.stem)
def test_published_architectures(path):
    found = check(Source(path.name, path.read_text()), everything=True).diagnostics
    assert [diagnostic.code for diagnostic in found] == WARNINGS.get(path.stem, [])
