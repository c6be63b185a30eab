"""examples/lightning_module.py trains a spec's network, where Lightning is installed."""

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.filterwarnings("ignore")  # Lightning recommends several things
def test_lightning_trains_a_network_of_specc(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lightning", reason="Lightning is not installed: pip install lightning")
    monkeypatch.chdir(tmp_path)
    place = importlib.util.spec_from_file_location("lightning_module", examples / "lightning_module.py")
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    import torch

    import specc

    Path("net.cnn").write_text(
        "network Small { input(1, 8x8)\n conv(8) -> batch_norm -> relu -> max_pool(2) -> flatten -> dense(10) }"
    )
    began = specc.load("net.cnn").build().state_dict()
    model = module.main(Path("net.cnn"), epochs=2)
    assert model.trainer.callback_metrics["val_accuracy"] > 0.8
    weights = model.net.state_dict()
    assert list(weights) == list(began) and not torch.equal(weights["conv1.weight"], began["conv1.weight"])
