"""`digits`: the test set of the optical recognition data of Alpaydin and Kaynak, which scikit-learn brings along."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from specc.backend.data.places import Where
from specc.backend.data.raw import Part, Raw
from specc.errors import SpeccError
from specc.tricks.source import DIGITS
from specc.values import Args

FIFTH = 5


def read_digits(a: Args, where: Where) -> Raw:
    """1,797 images, uint8 1 x 8 x 8; levels 0 to 16 are spread over 0 to 255.

    The test part is every fifth image of each class, in the order of the file: 20%, the same for everybody.

    Raises SpeccError E401 where scikit-learn is not installed.
    """
    # Read without importing scikit-learn, which would take longer than everything else here.
    package = find_spec("sklearn")
    folders = package.submodule_search_locations if package else None
    path = Path(folders[0], "datasets", "data", "digits.csv.gz") if folders else None
    if path is None or not path.is_file():
        raise SpeccError("E401", "`digits` comes with scikit-learn, which is not here", help="pip install scikit-learn")
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    levels, labels = table[:, :-1].astype(np.float64), table[:, -1].astype(np.int64)
    images = torch.from_numpy(np.rint(levels * 255 / 16).astype(np.uint8).reshape(-1, 1, 8, 8))
    test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        test[np.flatnonzero(labels == label)[FIFTH - 1 :: FIFTH]] = True
    train_part, test_part = (Part(images[mask], torch.from_numpy(labels[mask])) for mask in (~test, test))
    return Raw(DIGITS, train_part, test_part)
