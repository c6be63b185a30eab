"""`digits`: the test set of the optical recognition data of Alpaydin and Kaynak, which scikit-learn brings along."""

import hashlib
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.data.packed import Unpacked
from specc.backend.data.places import Where, damaged, unreadable
from specc.backend.data.raw import Part, Raw
from specc.errors import SpeccError
from specc.files import open_file
from specc.tricks.source import DIGITS
from specc.values import Args

FIFTH = 5
LONGEST = 1_000_000  # bytes of the table, unpacked; it has about 265,000
SHA256 = "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"  # of the table's bytes


def read_digits(a: Args, where: Where) -> Raw:
    """1,797 images, uint8 1 x 8 x 8; levels 0 to 16 are spread over 0 to 255.

    The test part is every fifth image of each class, in the order of the file: 20%, the same for everybody.

    Raises SpeccError: E401 scikit-learn is not installed, E402 its file is not the one that is known, E410 it cannot be
    read.
    """
    # Read without importing scikit-learn, which would take longer than everything else here.
    package = find_spec("sklearn")
    folders = package.submodule_search_locations if package else None
    path = Path(folders[0], "datasets", "data", "digits.csv.gz") if folders else None
    if path is None or not path.is_file():
        message = "`digits` comes with scikit-learn, which is not installed"
        raise SpeccError("E401", message, help="pip install scikit-learn")
    table = _table(path)
    levels, labels = table[:, :-1].astype(np.float64), table[:, -1].astype(np.int64)
    images = torch.from_numpy(np.rint(levels * 255 / 16).astype(np.uint8).reshape(-1, 1, 8, 8))
    test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        test[np.flatnonzero(labels == label)[FIFTH - 1 :: FIFTH]] = True
    train_part, test_part = (Part(images[mask], torch.from_numpy(labels[mask])) for mask in (~test, test))
    return Raw(DIGITS, train_part, test_part)


def _table(path: Path) -> NDArray[np.uint8]:
    """64 levels and a label for each image: uint8 1,797 x 65. The content is known, so its checksum tells all."""
    try:
        with open_file(path) as packed:
            text = Unpacked(packed, LONGEST).read(LONGEST + 1).decode("ascii")
        table = np.loadtxt(text.splitlines(), delimiter=",", dtype=np.uint8)
    except (EOFError, ValueError, zlib.error) as error:
        raise damaged(path, f"is damaged: {error}") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if hashlib.sha256(table.tobytes()).hexdigest() != SHA256:
        raise damaged(path, "does not hold the digits that are known by this name")
    return table
