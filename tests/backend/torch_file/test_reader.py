"""Files that PyTorch writes are read as PyTorch reads them: every tensor to the bit, in the file's order."""

import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from specc.backend.torch_file.reader import open_torch_file
from specc.backend.torch_file.values import STORAGES, StoredTensor
from specc.errors import SpeccError
from tests.helpers.torch_files import HOOKS, called, named, number, numbers, old, saved, storage, table, tensor, text

LAYOUTS = pytest.mark.parametrize(
    "layout", [{}, {"old": True}, {"protocol": 4}, {"protocol": 5}, {"old": True, "protocol": 4}], ids=str
)
QUARTERS = np.arange(4, dtype=np.float32).tobytes()


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file that holds one dictionary of them."""
    with open_torch_file(path) as file:
        assert isinstance(file.value, dict)
        return {name: file.read(entry) for name, entry in file.value.items() if isinstance(entry, StoredTensor)}


def same(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype and found[name].is_contiguous()
        torch.testing.assert_close(found[name], value, rtol=0, atol=0, equal_nan=True)


@LAYOUTS
def test_a_network(tmp_path: Path, layout: dict[str, Any]) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 5))
    same(tensors(saved(tmp_path / "net.pth", net.state_dict(), **layout)), net.state_dict())


@LAYOUTS
def test_every_type_and_shape(tmp_path: Path, layout: dict[str, Any]) -> None:
    wanted: dict[str, torch.Tensor] = {}
    for dtype in STORAGES.values():
        values = (torch.arange(60) % 2).to(dtype) if dtype == torch.bool else torch.arange(60).to(dtype)
        wanted |= {
            f"{dtype} whole": values,
            f"{dtype} transposed": values.view(5, 12).T,
            f"{dtype} part": values[7:20:3],
            f"{dtype} no dimension": values[3],
            f"{dtype} empty": values[:0].view(0, 4),
            f"{dtype} corner": values.view(3, 4, 5)[1:, ::2, 1:4],
        }
    same(tensors(saved(tmp_path / "net.pth", wanted, **layout)), wanted)


@LAYOUTS
def test_values_beside_tensors(tmp_path: Path, layout: dict[str, Any]) -> None:
    value = {
        "epoch": 3, "large": 2**70, "negative": -5, "rate": 0.1, "name": "rés", "none": None, "flags": [True, False],
        "shape": torch.Size((2, 3)), "steps": Counter([30, 60, 60]), "nested": OrderedDict(a=(1, 2, 3, 4), b={1: []}),
    }  # fmt: skip
    with open_torch_file(saved(tmp_path / "net.pth", value, **layout)) as file:
        assert file.value == value


@LAYOUTS
def test_names_that_share_a_tensor_and_parameters(tmp_path: Path, layout: dict[str, Any]) -> None:
    weight = nn.Parameter(torch.arange(6.0))
    found = tensors(saved(tmp_path / "net.pth", {"a": weight, "b": weight, "c": weight.data[2:]}, **layout))
    same(found, {"a": weight.data, "b": weight.data, "c": weight.data[2:]})
    found["a"][:] = 0
    assert found["b"][5] == 5, "each has memory of its own"


def test_numbers_of_a_big_endian_machine(tmp_path: Path) -> None:
    values = {"half": torch.arange(4).half(), "long": torch.arange(-2, 2), "byte": torch.arange(4).byte()}
    saved(tmp_path / "little.pth", values)
    with (
        zipfile.ZipFile(tmp_path / "little.pth") as little,
        zipfile.ZipFile(tmp_path / "big.pth", "w") as big,
    ):
        for info in little.infolist():
            content = little.read(info)
            if "/data/" in info.filename and "serialization" not in info.filename:
                width = {8: 2, 32: 8, 4: 1}[len(content)]
                content = np.frombuffer(content, f"u{width}").byteswap().tobytes()
            big.writestr(info.filename, b"big" if info.filename.endswith("byteorder") else content)
    same(tensors(tmp_path / "big.pth"), values)


def test_a_tensor_of_the_first_versions(tmp_path: Path) -> None:
    parts = (storage("0", 4, "FloatStorage", b"N"), number(1), numbers((3,)), numbers((1,)))
    plain = called(named("torch._utils", "_rebuild_tensor"), *parts)
    parameter = named("torch.nn.parameter", "Parameter")
    given = parameter + b"(" + plain + b"t\x81" + b"(\x88\x89" + HOOKS + b"tb"
    filled = parameter + b")\x81" + b"(" + plain + b"\x89" + HOOKS + b"\x88\x89tb"
    data = old(table(text("a"), plain, text("b"), given, text("c"), filled), {"0": QUARTERS})
    (tmp_path / "net.pth").write_bytes(data)
    with open_torch_file(tmp_path / "net.pth") as file:
        value: Any = file.value
        for entry in (value["a"], value["b"].tensor, value["c"].tensor):
            assert file.read(entry).tolist() == [1, 2, 3]


def test_a_dictionary_of_python_2(tmp_path: Path) -> None:
    pairs = b"](" + b"](U\x01a" + tensor() + b"e" + b"e"
    data = old(called(named("collections", "OrderedDict"), pairs), {"0": QUARTERS})
    (tmp_path / "net.pth").write_bytes(data)
    assert tensors(tmp_path / "net.pth")["a"].tolist() == [0, 1, 2, 3]


def test_a_file_with_offsets_of_64_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 8)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
    saved(tmp_path / "short.pth", {"a": torch.arange(4.0)})
    with (
        zipfile.ZipFile(tmp_path / "short.pth") as short,
        zipfile.ZipFile(tmp_path / "long.pth", "w") as long,
    ):
        for info in short.infolist():
            with long.open(info.filename, "w", force_zip64=True) as file:
                file.write(short.read(info))
    assert b"PK\6\6" in (tmp_path / "long.pth").read_bytes()
    assert tensors(tmp_path / "long.pth")["a"].tolist() == [0, 1, 2, 3]


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", {"a": torch.zeros(4), "b": torch.ones(100_000)}, old=True)
    with open_torch_file(path) as file:
        value: Any = file.value
        assert file.read(value["a"]).tolist() == [0, 0, 0, 0]
        path.write_bytes(path.read_bytes()[:1000])  # the order of the storages is by address
        with pytest.raises(SpeccError, match="became shorter"):
            file.read(value["b"])
