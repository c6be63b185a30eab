"""Checkpoints on the disk: the two newest are kept, a damaged one is named and passed over."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from specc.backend.engine.trainer import Trainer
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint, sweep
from specc.errors import SpeccError


def test_keeps_the_two_newest_checkpoints(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    trainer = make_trainer("epochs = 1")
    for _ in range(4):
        trainer.step()
        save_checkpoint(tmp_path, trainer.state)
    (tmp_path / ".00000002.json.abc.part").write_bytes(b"left by a kill")
    (tmp_path / "00000009.safetensors").write_bytes(b"its json was never written")
    sweep(tmp_path, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00000003.json",
        "00000003.safetensors",
        "00000004.json",
        "00000004.safetensors",
    ]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone", "not json", "empty json", "another number"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(
    make_trainer: Callable[..., Trainer], tmp_path: Path, damage: str
) -> None:
    trainer = make_trainer("epochs = 1")
    for _ in range(2):
        trainer.step()
        save_checkpoint(tmp_path, trainer.state)
    tensors, about = tmp_path / "00000002.safetensors", tmp_path / "00000002.json"
    content = bytearray(tensors.read_bytes())
    match damage:
        case "truncated":
            tensors.write_bytes(content[:-1])
        case "flipped":
            content[-1] ^= 1
            tensors.write_bytes(content)
        case "gone":
            tensors.unlink()
        case "not json":
            about.write_bytes(b"{")
        case "another number":
            about.write_text(about.read_text().replace('"step": 2', '"step": 3'))
        case _:
            about.write_text(json.dumps([]))
    _, _, scalars, damaged = load_checkpoint(tmp_path)
    assert scalars["step"] == 1
    assert damaged == ["00000002.safetensors"]


def test_damaged_newer_ones_are_not_kept_in_place_of_good_ones(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    for step in (5, 6):
        (tmp_path / f"{step:08d}.json").write_text("{")
    trainer = make_trainer("epochs = 1")
    for _ in range(2):
        trainer.step()
        save_checkpoint(tmp_path, trainer.state)
    assert load_checkpoint(tmp_path).scalars["step"] == 2
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_nothing_undamaged_is_an_error(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    with pytest.raises(SpeccError, match="no checkpoint") as error:
        load_checkpoint(tmp_path)
    assert error.value.code == "E438"
    trainer = make_trainer("epochs = 1")
    trainer.step()
    save_checkpoint(tmp_path, trainer.state)
    (tmp_path / "00000001.safetensors").write_bytes(b"")
    with pytest.raises(SpeccError, match=r"damaged: 00000001\.safetensors"):
        load_checkpoint(tmp_path)
