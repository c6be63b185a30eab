"""How large a checkpoint may be: eight times the network, and room for what does not grow with it."""

from specc.backend.run.checkpoint import ROOM, TIMES, most_bytes
from tests.helpers.graphs import make_chain


def test_it_grows_with_the_network() -> None:
    small = make_chain((1000, 1, 1), ("dense", {"units": 1}))
    large = make_chain((1000, 1, 1), ("dense", {"units": 3001}))
    assert most_bytes(large) - most_bytes(small) == TIMES * 4 * 1001 * 3000
    assert ROOM < most_bytes(small) <= ROOM + TIMES * (4 * 1001 + 100)
    assert TIMES >= 6, "its own, two averages, and two or three of an optimizer"
