"""Published sizes: what is written as its paper says has the parameters and the multiply-accumulates of its paper."""

import json
import shlex
from pathlib import Path

import pytest

from specc.check import check
from specc.source import Source
from tests.helpers.checking import fine

HERE = Path(__file__).parent
FOLDERS = {
    HERE.parents[1] / "examples": json.loads((HERE.parent / "expected_counts.json").read_text()),
    HERE / "architectures": json.loads((HERE / "architectures" / "published.json").read_text()),
}
CASES = [
    pytest.param(folder, name, figures, id=name)
    for folder, published in FOLDERS.items()
    for name, figures in published.items()
    if name != "//"
]


@pytest.mark.parametrize(("folder", "name", "figures"), CASES)
def test_published_sizes(folder, name, figures):
    file, *options = shlex.split(name)
    source = Source(file, (folder / file).read_text())
    graph = fine(check(source, variant=options[1] if options else None)).graph
    assert list(graph.output_shape) == figures["output"]
    assert graph.parameters == figures.get("parameters", graph.parameters)
    assert graph.parameters_exported == figures.get("parameters_exported", graph.parameters_exported)
    if "gmacs" in figures:  # published with two or three decimals
        assert graph.total_macs / 1e9 == pytest.approx(figures["gmacs"], rel=0.01, abs=0.0006)


@pytest.mark.parametrize("path", sorted((HERE / "architectures").glob("*.cnn")), ids=lambda path: path.stem)
def test_every_variant_is_fine(path):
    fine(check(Source(path.name, path.read_text()), everything=True))
