"""A run's best weights on its validation images."""

from pathlib import Path

import pytest
from safetensors.torch import load_file

from specc.backend.evaluation.of_run import evaluate_run
from specc.backend.run.load import open_run


def test_the_best_weights_are_what_is_measured(straight: Path) -> None:
    """Evaluation from the files gives the accuracy that was reported; both are the moving average's."""
    run = open_run(straight)
    assert not run.net.training
    found = evaluate_run(run, device="cpu").evaluation
    best = run.info["best"]
    assert found.figure("accuracy") == best["accuracy"]
    assert found.loss == pytest.approx(best["loss"], rel=1e-5)
    assert len(found.records) == 355
    assert {name: value.shape for name, value in load_file(straight / "best.safetensors").items()} == {
        name: value.shape for name, value in run.net.state_dict().items()
    }
