"""Networks of the zoo are numerically their origins: outputs in evaluation and training, and running statistics.

See `tests.zoo.cases` for how many of them. Nothing is compared where torchvision and timm are not there.
"""

import pytest

from tests.zoo.cases import chosen
from tests.zoo.compare import compare
from tests.zoo.peers import are_there


@pytest.mark.skipif(not are_there(), reason="torchvision and timm are not there: `make peers`")
@pytest.mark.parametrize("case", chosen(), ids=str)
def test_equals_its_origin(case):
    assert max(compare(case.model, case.library, case.naming, case.size, case.has_aux)) < 1e-9
