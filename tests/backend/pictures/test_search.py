"""Pictures of a search: the same bytes for the same search, and none for which there is too little."""

from pathlib import Path
from typing import Any

import pytest

from specc.backend.pictures.search import front_figure, history_figure, importance_figure, parallel_figure
from specc.backend.pictures.style import look, save

FIGURES = (history_figure, importance_figure, parallel_figure, front_figure)


def search(trials: int) -> dict[str, Any]:
    states = ("completed", "completed", "pruned", "failed")
    return {
        "figure": "accuracy",
        "against": "macs",
        "front": [1, 2][:trials],
        "importances": {"network.width": 0.75, "network.act": 0.25} if trials else {},
        "trials": [
            {
                "trial": number,
                "state": states[(number - 1) % 4],
                "values": [["network.width", str(number)], ["train.optimizer.lr", f"1e-{number}"], ["act", "relu"]],
                "value": 0.5 + number / 100 if states[(number - 1) % 4] == "completed" else None,
                "curve": [[1.0, 0.25]],
                "macs": 100**number,
            }
            for number in range(1, trials + 1)
        ],
    }


@pytest.mark.parametrize("trials", [0, 1, 6])
@pytest.mark.parametrize("figure", FIGURES)
def test_the_same_bytes(tmp_path: Path, figure: Any, trials: int) -> None:
    found = []
    for name in ("one", "other"):
        with look():
            save(figure(search(trials)), tmp_path / f"{name}.svg")
        found.append((tmp_path / f"{name}.svg").read_bytes())
    assert found[0] == found[1] and found[0].startswith(b"<?xml")


def test_what_is_drawn() -> None:
    with look():
        history, front = history_figure(search(6)), front_figure(search(6))
    axes = history.axes[0]
    best = next(line for line in axes.lines if line.get_label() == "best so far")
    assert list(best.get_ydata()) == pytest.approx([51, 52, 55, 56, 56])  # type: ignore[arg-type]
    pruned = next(line for line in axes.lines if line.get_label() == "pruned")
    assert list(pruned.get_ydata()) == [25] and list(pruned.get_xdata()) == [3]  # type: ignore[arg-type]
    assert front.axes[0].get_xscale() == "log" and front.axes[0].get_xlabel() == "MACs"
