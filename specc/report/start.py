"""What becomes of each tensor of the weights that a network begins with, as a table and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from specc.fit import fitted
from specc.ir.mapping import Mapped
from specc.report.columns import columns
from specc.vocabulary.shape import Shape, size_text


def start_json(mapped: Sequence[Mapped], words: str, sha256: str) -> dict[str, Any]:
    """Keys `from`, `sha256`, `tensors` (how many of each kind) and `mapping`, a list with an entry for each tensor."""
    return {
        "from": words,
        "sha256": sha256,
        "tensors": dict(Counter(one.fate for one in mapped)),
        "mapping": [
            {
                "is": one.fate,
                "name": one.name or None,
                "shape": one.shape,
                "there": one.theirs or None,
                "shape_there": one.their_shape,
                "because": one.why or None,
            }
            for one in mapped
        ],
    }


def start_table(mapped: Sequence[Mapped], words: str) -> str:
    """A line for each tensor, then how many there are of each kind."""
    rows = [("", "tensor", "shape", "in the file", "shape there")]
    rows += [(one.fate, one.name, _shape(one.shape), one.theirs, _shape(one.their_shape)) for one in mapped]
    counts = Counter(one.fate for one in mapped)
    total = f"{words}: " + ", ".join(f"{count} {fate}" for fate, count in counts.items())
    return "\n".join([*columns(rows, ()), "", fitted(total)])


def _shape(shape: Shape | None) -> str:
    return "" if shape is None else size_text(shape)
