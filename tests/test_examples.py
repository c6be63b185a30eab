"""The specs in examples/: they have no problems, and the networks have exactly the size that was published."""

import json
import shlex
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
PUBLISHED = json.loads((Path(__file__).parent / "expected_counts.json").read_text())
del PUBLISHED["//"]


# The deck begins with a network that does not learn: its first variants are wrong on purpose.
WARNINGS = {"deck_cifar10.cnn": ["W521", "W501", "W502"]}


@pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.glob("*.cnn")))
def test_no_problems_in_any_variant(specc, file):
    answer = specc("check", FOLDER / file, "--json")
    assert answer.status == 0
    assert [found["code"] for found in json.loads(answer.out)["diagnostics"]] == WARNINGS.get(file, [])


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(specc, name):
    file, *options = shlex.split(name)
    shown = json.loads(specc("show", FOLDER / file, "--json", *options).out)
    published = dict(PUBLISHED[name])
    giga = published.pop("gmacs", None)
    assert {key: shown[key] for key in published} == published
    if giga is not None:  # published with two decimals
        assert shown["macs"] / 1e9 == pytest.approx(giga, rel=0.01, abs=0.005)
