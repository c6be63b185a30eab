"""Which dictionary of a checkpoint holds the weights, and what is told of the rest."""

from pathlib import Path
from typing import Any

import pytest
import torch

from specc.backend.torch_file.choose import Chosen, choose
from specc.backend.torch_file.reader import open_torch_file
from specc.errors import SpeccError
from tests.helpers.torch_files import saved

NET = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.zeros(2), "norm.steps": torch.tensor(3)}
ADAM = {"state": {0: {"exp_avg": torch.zeros(6)}, 1: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}


def chosen(folder: Path, value: object, key: str | None = None) -> Chosen:
    with open_torch_file(saved(folder / "net.pth", value)) as file:
        return choose(file.value, key, "net.pth")


def wrapped(*prefixes: str) -> dict[str, torch.Tensor]:
    return {"".join(prefixes) + name: value for name, value in NET.items()}


@pytest.mark.parametrize(
    ("value", "key", "wrappers", "left"),
    [
        (NET, "", "", ()),
        ({**NET, "epoch": 3}, "", "", ("epoch",)),
        ({"state_dict": NET}, "state_dict", "", ()),
        ({"model": {"net": NET, "size": 3}, "epoch": 1}, "model.net", "", ("epoch", "model.size")),
        (
            {"epoch": 9, "net": NET, "best": torch.tensor(0.8), "adam": ADAM, "random": torch.zeros(8).byte()},
            "net", "", ("epoch", "best", "adam", "random"),
        ),
        ({"state_dict": wrapped("module.")}, "state_dict", "module.", ()),
        (wrapped("module.", "_orig_mod."), "", "module._orig_mod.", ()),
        ({**wrapped("module."), "other": torch.zeros(1)}, "", "", ()),
        ({"module.": torch.zeros(1)}, "", "", ()),
        ({"net": {"steps": torch.tensor(3)}}, "net", "", ()),
    ],
)  # fmt: skip
def test_what_is_taken(tmp_path: Path, value: Any, key: str, wrappers: str, left: tuple[str, ...]) -> None:
    found = chosen(tmp_path, value)
    assert (found.key, found.wrappers, found.left) == (key, wrappers, left)


def test_names_keep_their_order(tmp_path: Path) -> None:
    assert list(chosen(tmp_path, {"model": wrapped("module.")}).tensors) == list(NET)


BOTH = {"model": NET, "model_ema": {"conv.weight": torch.zeros(2, 3)}}


def test_of_several_one_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SpeccError, match="2 sets of weights: `model`, `model_ema`") as caught:
        chosen(tmp_path, BOTH)
    assert caught.value.code == "E495" and "--key model" in caught.value.help
    found = chosen(tmp_path, BOTH, "model_ema")
    assert list(found.tensors) == ["conv.weight"] and found.left == ("model",)
    assert list(chosen(tmp_path, {**NET, **BOTH}, ".").tensors) == list(NET)
    with pytest.raises(SpeccError, match="no weights at `ema`"):
        chosen(tmp_path, BOTH, "ema")


@pytest.mark.parametrize("value", [{}, [NET], torch.zeros(3), 7, None, {"state_dict": {}}, {0: torch.zeros(3)}])
def test_no_weights(tmp_path: Path, value: Any) -> None:
    with pytest.raises(SpeccError, match="holds no weights") as caught:
        chosen(tmp_path, value)
    assert caught.value.code == "E495"


def test_a_dictionary_within_itself(tmp_path: Path) -> None:
    value: dict[str, Any] = {"model": NET}
    value["model"]["self"] = value
    try:
        assert chosen(tmp_path, value).left == ("model.self",)
    finally:
        del NET["self"]


def test_two_paths_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(SpeccError, match="at the same key"):
        chosen(tmp_path, {"a.b": NET, "a": {"b": dict(NET)}})
