"""What programs are told of a run, read back by their own libraries; and sinks that fail while a run is trained."""

import importlib.util
import json
import os
import shutil
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.backend.onnx.export import export_run
from specc.backend.sinks.sink import KINDS
from tests.helpers.fake_sink import Told, install
from tests.helpers.tiny_run import trained

SPEC = """\
data { source = digits }
network Net { conv(4) -> relu; global_avg_pool -> dense(10) }
train { epochs = 3; batch = 256; seed = 1 }
"""
pytestmark = pytest.mark.filterwarnings("ignore")  # what these packages warn of is theirs
Specc = Callable[..., Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = trained(tmp_path_factory.mktemp("logged"))
    export_run(run, device="cpu")
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a run, and each program kept within this folder, without a network."""
    monkeypatch.chdir(tmp_path)
    places = {"MLFLOW_TRACKING_URI": f"file:{tmp_path}/mlruns", "MLFLOW_ALLOW_FILE_STORE": "true"}
    places |= {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false", "TRACKIO_DIR": f"{tmp_path}/trackio"}
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    return Path(shutil.copytree(finished, tmp_path / "Tiny-1"))


def wanted(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f'{package} is not installed: pip install "specc-cnn[{package}]"')


def losses(run: Path) -> list[tuple[Any, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], pytest.approx(line["val_loss"], rel=1e-6)) for line in lines]


def test_tensorboard(specc: Specc, run: Path) -> None:
    wanted("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # what was told before is replaced
        answer = specc("log", run, "--to", "tensorboard")
        assert answer.status == 0 and "tensorboard --logdir" in answer.out
    read = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0, "tensors": 0})
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("val/loss")] == losses(run)
    known = json.loads((run / "run.json").read_text())["figures"]["validation"]["figures"]["accuracy"]["value"]
    assert read.Scalars("result/validation_accuracy")[0].value == pytest.approx(known)
    assert read.Images("curves")[0].encoded_image_string.startswith(b"\x89PNG")
    texts = {tag: read.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in read.Tags()["tensors"]}
    assert (run / "spec.cnn").read_text() in texts["spec/text_summary"]
    assert "SHA-256" in texts["file/model.onnx/text_summary"] and "train.epochs" in texts["settings/text_summary"]


def test_mlflow(specc: Specc, run: Path) -> None:
    wanted("mlflow")
    answer = specc("log", run, "--to", "mlflow")
    assert answer.status == 0, answer.err
    import mlflow

    client = mlflow.MlflowClient()
    (experiment,) = [one for one in client.search_experiments() if one.name == "Tiny"]
    (told,) = client.search_runs([experiment.experiment_id])
    assert told.info.run_name == "Tiny-1" and told.info.status == "FINISHED"
    assert told.data.params["train.epochs"] == "2.0"
    assert [(one.step, one.value) for one in client.get_metric_history(told.info.run_id, "val/loss")] == losses(run)
    place = Path(client.download_artifacts(told.info.run_id, "", str(run.parent)))
    assert (place / "model.onnx").read_bytes() == (run / "model.onnx").read_bytes()
    assert (place / "pictures" / "curves.png").stat().st_size > 1000
    assert (run / "spec.cnn").read_text() in (place / "spec.md").read_text()


def test_wandb(specc: Specc, run: Path) -> None:
    wanted("wandb")
    answer = specc("log", run, "--to", "wandb")
    assert answer.status == 0 and "wandb sync" in answer.out
    (file,) = (run / "wandb").glob("offline-run-*/run-*.wandb")
    end = time.monotonic() + 30
    records = wandb_records(file)
    while not any(one.HasField("exit") for one in records):  # which its own process writes
        assert time.monotonic() < end
        time.sleep(0.2)
        records = wandb_records(file)
    rows = [{item.key or "/".join(item.nested_key): item.value_json for item in one.history.item} for one in records]
    told = [(int(json.loads(row["_step"])), json.loads(row["val/loss"])) for row in rows if "val/loss" in row]
    assert told == losses(run), [one.WhichOneof("record_type") for one in records]
    assert any("model.onnx" in str(one) for one in records)


def wandb_records(file: Path) -> list[Any]:
    """The records in a file of an offline run: blocks of 32 KiB, in which each piece has a head of seven bytes."""
    from wandb.proto import wandb_internal_pb2

    data, place, records, whole = file.read_bytes(), 7, [], b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        size, kind = struct.unpack("<HB", data[place + 4 : place + 7])
        whole += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # the only piece of a record, or its last
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            records.append(record)
            whole = b""
    return records


def test_trackio(specc: Specc, run: Path) -> None:
    wanted("trackio")
    answer = specc("log", run, "--to", "trackio")
    assert answer.status == 0 and answer.out.count("\n") == 1
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    (told,) = trackio.Api().runs("Tiny")
    assert told.name == "Tiny-1"
    rows = SQLiteStorage.get_logs("Tiny", "Tiny-1")
    assert [(row["step"], row["val/loss"]) for row in rows if "val/loss" in row] == losses(run)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.cnn").write_text(SPEC)
    return tmp_path / "net.cnn"


def weights(run: str) -> bytes:
    return Path(run, "last.safetensors").read_bytes()


def test_while_it_trains_each_epoch_is_told_once(specc: Specc, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = install(monkeypatch.setattr)
    short = ("--device", "cpu", "-q", "--log", "wandb", "--log", "wandb")
    assert specc("train", spec, "--out", "run", *short).status == 0
    names = [name for name, _ in sink.calls]
    assert names[:3] == ["settings", "text", "text"] and names[3:6] == ["scalars"] * 3 and names[-1] == "close"
    assert [step for step, _ in sink.of("scalars")] == [5, 10, 15]
    assert [file.name for (file,) in sink.of("file")] == ["spec.cnn", "model.onnx", "certificate.json", "network.svg"]
    assert sink.of("close") == [(True,)] and sink.of("results")[0][0] == 15
    again = install(monkeypatch.setattr)
    assert specc("train", spec, "--resume", "run", "--set", "train.epochs=4", *short).status == 0
    assert [step for step, _ in again.of("scalars")] == [5, 10, 15, 20]  # the earlier ones, too


@pytest.mark.parametrize("fails", ["settings", "scalars", "file"])
def test_what_fails_is_said_once_and_changes_nothing(
    specc: Specc, spec: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    install(monkeypatch.setattr, Told(fails))
    short = ("--device", "cpu", "-q")
    assert specc("train", spec, "--out", "plain", *short).status == 0
    answer = specc("train", spec, "--out", "run", *short, "--log", "mlflow")
    assert answer.status == 0 and weights("run") == weights("plain")
    assert answer.err.count("logging to MLflow failed and has ended: ConnectionError: the server is gone") == 1
    assert answer.err.count("specc log run --to mlflow") == 1


def test_what_hangs_is_not_waited_for(specc: Specc, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    install(monkeypatch.setattr)
    monkeypatch.setattr("specc.backend.sinks.teller.open_sink", lambda name, about: gate.wait() and Told())
    monkeypatch.setattr("specc.backend.sinks.teller.PATIENCE", 0.1)
    answer = specc("train", spec, "--device", "cpu", "-q", "--out", "run", "--log", "trackio")
    gate.set()
    assert answer.status == 0 and "Trackio does not answer" in answer.err and "specc log run --to trackio" in answer.err


@pytest.mark.parametrize("name", KINDS)
def test_a_package_that_is_not_installed(
    specc: Specc, spec: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, KINDS[name].package, None)
    for arguments in (("train", spec, "--out", "run", "--log", name), ("log", finished, "--to", name)):
        answer = specc(*arguments)
        assert answer.status == 2 and "error[E534]" in answer.err and f"specc-cnn[{KINDS[name].extra}]" in answer.err
    assert not os.path.lexists("run")
    assert (
        "error[E439]" in specc("log", "run", "--to", name).err
    )  # nobody installs a package for a run that is not there
    assert "did you mean" in specc("log", finished, "--to", f"{name}x").err
