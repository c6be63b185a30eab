import numpy as np
import pytest


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (50, 3, 4, 4), dtype=np.uint8)
