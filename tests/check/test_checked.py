"""What a checked spec gives a back end: all that it needs, or an error that says why not."""

import pytest

from specc.check import check
from specc.errors import SpeccError
from specc.source import Source

NET = "network N { input(1, 8x8) -> flatten -> dense(10) }\n"
DATA = "data { source = digits }\n"


def test_a_spec_with_data_is_trainable() -> None:
    checked = check(Source("net.cnn", DATA + NET + "variant big { train.batch = 7 }\n"), variant="big")
    spec = checked.trainable()
    assert (spec.graph, spec.data, spec.train, spec.export) == (*checked.compiled(),)
    assert (spec.name, spec.variant, spec.resolved) == ("N", "big", checked.resolved)
    assert spec.train.batch == 7 and spec.data.source.name == "digits"


def test_without_data_there_is_a_network_but_nothing_to_train_on() -> None:
    checked = check(Source("net.cnn", NET))
    assert checked.compiled().data is None and checked.compiled().graph is checked.graph
    with pytest.raises(SpeccError, match=r"net\.cnn has no section `data`, so there is nothing to train on") as caught:
        checked.trainable()
    assert (caught.value.code, caught.value.status) == ("E437", 1)


@pytest.mark.parametrize("text", [DATA + "network N { conv(-1) }", DATA, "", DATA + NET + "train { batch = 0 }"])
def test_errors_are_told_before_anything_else(text: str) -> None:
    checked = check(Source("net.cnn", text))
    for door in (checked.refuse_errors, checked.compiled, checked.trainable):
        with pytest.raises(SpeccError, match=r"the first, at net\.cnn:") as caught:
            door()
        assert (caught.value.code, caught.value.status) == ("E440", 1)
        assert caught.value.help == "run `specc check net.cnn` to see them all"
