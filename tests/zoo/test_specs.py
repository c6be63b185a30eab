"""The specs of the zoo work as they stand, and with other classes and images."""

import pytest
import torch

from specc.backend.build import build
from specc.check import Checked, check
from specc.reading import load_base, read_source
from specc.source import Source
from specc.zoo import families, models
from specc.zoo.figures import figures
from tests.helpers.checking import fine
from tests.helpers.emitted import Emitted
from tests.zoo.cases import most_parameters, parameters, smallest
from tests.zoo.compare import Undrawn

SMALLEST = [pytest.param(smallest(family), family.smallest, id=smallest(family)) for family in families().values()]
SMALL = 8e6  # parameters
MINE = """\
extends "zoo:{model}"
network {{ classes = 5 }}
data {{ resize = {size}x{size}; view = {size}x{size}; channels = gray; normalize = unit }}
"""


def small(model: str, size: int) -> Checked:
    return fine(check(Source("mine.cnn", MINE.format(model=model, size=size)), load=load_base))


@pytest.mark.parametrize("model", models())
def test_has_no_problems_and_the_listed_figures(model):
    checked = check(read_source(f"zoo:{model}"), load=load_base)
    assert [(one.code, one.message) for one in checked.diagnostics] == []
    assert checked.graph is not None
    listed = figures().get(model)
    assert listed == (checked.graph.parameters, checked.graph.total_macs), "python benchmarks/zoo.py"


def test_no_other_figures_are_listed():
    assert figures().keys() <= models().keys()


@pytest.mark.parametrize(("model", "size"), SMALLEST)
def test_takes_other_classes_and_gray_images(model, size):
    graph = small(model, size).graph
    assert graph is not None
    with Undrawn():
        net = build(graph)
    assert net.eval()(torch.zeros(2, 1, size, size)).shape in [(2, 5), (2, 5, size, size)]


@pytest.mark.parametrize(("model", "size"), SMALLEST)
def test_alone_is_a_spec_that_show_and_emit_accept(specc, tmp_path, model, size):
    spec = tmp_path / "mine.cnn"
    spec.write_text(f'extends "zoo:{model}"\n')
    assert specc("show", spec).status == 0
    assert specc("emit", spec).status == 0


@pytest.mark.parametrize(("model", "size"), SMALLEST)
def test_its_source_computes_the_same(tmp_path, model, size):
    emitted = Emitted(small(model, size), tmp_path)
    emitted.has_the_same_keys()
    if parameters(model) <= max(SMALL, most_parameters()):
        emitted.computes_the_same()
