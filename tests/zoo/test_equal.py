"""Every network of the zoo is numerically its origin: outputs in evaluation and training, and running statistics."""

import pytest

from specc.zoo import families
from tests.zoo.compare import compare
from tests.zoo.peers import LIBRARIES, are_there

CASES = [
    pytest.param(model, library, naming, id=f"{library}-{model}")
    for family in families().values()
    for naming in family.namings
    for model in naming.models
    for library in naming.libraries
    if library in LIBRARIES
]


@pytest.mark.skipif(not are_there(), reason="torchvision and timm are not there: `make peers`")
@pytest.mark.parametrize(("model", "library", "naming"), CASES)
def test_equals_its_origin(model, library, naming):
    assert max(compare(model, library, naming)) < 1e-9
