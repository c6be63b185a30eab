"""The harness's own proof: a checkpoint that loses one part of the state is caught by the hashes that it compares."""

from pathlib import Path
from typing import Any

import pytest
import torch

from specc.backend.engine.state import TrainState
from specc.backend.train.job import train
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source
from tests.helpers.faults import Driver, fingerprint

PARTS = [
    "table",
    "model/",
    "model/batch_norm1.running_mean",
    "average/",
    "lookahead/",
    "optimizer/",
    "optimizer/exp_avg/",
    "optimizer/exp_avg_sq/",
    "optimizer/step/",
    "step",
    "lines",
    "thawed",
]


def without(part: str) -> Any:
    """A `restore` that leaves one part of the state as it is in a fresh training."""
    real = TrainState.restore

    def restore(state: TrainState, tensors: dict[str, torch.Tensor], scalars: dict[str, Any]) -> None:
        fresh = {name: value.clone() for name, value in state.tensors().items()}
        if part.count("/") == 2:  # one of an optimizer's own, which are not there without the others
            fresh |= {name: torch.zeros_like(value) for name, value in tensors.items() if name.startswith(part)}
        for name in tensors:  # a mean that begins when weights thaw begins with them
            beside, _, weight = name.partition("/")
            if beside in ("average", "lookahead"):
                fresh.setdefault(name, fresh[f"model/{weight}"])
        lost = {name for name in tensors if part and name.startswith(part)}
        scalars_lost = {name: value for name, value in state.scalars().items() if name == part}
        assert lost or scalars_lost or not part
        kept = {name: fresh.get(name) if name in lost else value for name, value in tensors.items()}
        real(state, {name: value for name, value in kept.items() if value is not None}, scalars | scalars_lost)

    return restore


@pytest.fixture(scope="module")
def stopped(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped in its second epoch, at step 15 of 27."""
    run = tmp_path_factory.mktemp("mutants") / "stopped"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(driver.folder)
        checked = check(Source("small.cnn", driver.spec.read_text()))
        assert train(checked, out=run, device="cpu", quiet=True, until=lambda *_: 15).step == 15
    return run


@pytest.mark.parametrize("part", ["", *PARTS])
def test_a_lost_part_is_caught(
    driver: Driver, straight: Path, stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    import shutil

    run = Path(shutil.copytree(stopped, tmp_path / "run"))
    monkeypatch.chdir(driver.folder)
    monkeypatch.setattr(TrainState, "restore", without(part))
    resume(run, quiet=True)
    assert (fingerprint(run) == fingerprint(straight)) == (not part)
