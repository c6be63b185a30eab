"""`specc study` as a user meets it, on a tiny network and the real digits."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SPEC = """
data { source = digits }
network Small(width=4, act=sigmoid, norm=identity) {
  conv(width) -> act -> norm
  global_avg_pool -> dense(10)
}
train { epochs = 2; batch = 64; optimizer = adam(lr=1e-2) }
variant relu { network.act = relu }
variant norm extends relu { network.norm = batch_norm }
"""
QUICK = ("--device", "cpu", "--epochs", "1", "--subset", "130", "--seeds", "2")
ONCE = (*QUICK[:-1], "1")
Specc = Callable[..., Any]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    Path("small.cnn").write_text(SPEC)
    return Path("small.cnn")


def found(folder: str = "studies/small") -> dict[str, Any]:
    result: dict[str, Any] = json.loads((Path(folder) / "study.json").read_text())
    return result


def figures(study: dict[str, Any]) -> list[Any]:
    """What a study found, without what a clock says, and what the number of comparisons changes."""
    corrected = {"p_holm": None, "more_than_chance": None}
    return [
        [variant["name"], variant["val_accuracy"], variant["train_accuracy"], (variant["gain"] or {}) | corrected]
        + [[run["seed"], run["run"], run["curve"]] for run in variant["runs"]]
        for variant in study["variants"]
    ]


def test_trains_compares_and_trains_nothing_twice(specc: Specc, spec: Path) -> None:
    answer = specc("study", spec, *QUICK)
    assert answer.status == 0, answer.err
    assert "variant    extends    runs  training accuracy" in answer.out
    assert "studies/small/curves.png" in answer.out
    lines = answer.err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "[1/6] base file, seed 0",
        "[2/6] relu, seed 0",
        "[3/6] norm, seed 0",
        "[4/6] base file, seed 1",
        "[5/6] relu, seed 1",
        "[6/6] norm, seed 1",
    ]
    folder = Path("studies/small")
    assert {path.name for path in folder.iterdir()} == {"study.json", "table.md", "curves.svg", "curves.png", "runs"}
    first = found()
    assert first["format"] == 1 and first["finished"] and first["subset"] == 130
    assert first["images"] == {"train": 130, "validation": 130}
    base, relu, norm = first["variants"]
    assert (base["compared_with"], relu["compared_with"], norm["compared_with"]) == (None, "base file", "relu")
    assert relu["settings"] == [["network.act", "relu"]]
    run = folder / norm["runs"][1]["run"]
    assert json.loads((run / "metrics.jsonl").read_text())["val_accuracy"] == norm["runs"][1]["val_accuracy"]
    info = json.loads((run / "run.json").read_text())
    assert info["finished"] and info["subset"] == 130 and "seed      = 1" in (run / "spec.cnn").read_text()
    means = [sum(run["val_accuracy"] for run in variant["runs"]) / 2 for variant in (relu, norm)]
    assert norm["gain"]["mean"] == pytest.approx(means[1] - means[0])
    assert norm["gain"]["low"] <= norm["gain"]["mean"] <= norm["gain"]["high"]

    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*.safetensors")}
    again = specc("study", spec, *QUICK)
    assert again.status == 0 and again.err.count("(reused)") == 6
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*.safetensors")} == before
    assert figures(found()) == figures(first)

    spec.write_text(SPEC + "variant wide extends norm { network.width = 6 }")
    more = specc("study", spec, *QUICK)
    assert more.err.count("(reused)") == 6 and len(more.err.splitlines()) == 8
    assert len(list(folder.glob("runs/*"))) == 8
    assert figures(found())[:3] == figures(first)


def test_json_and_variants_and_one_seed(specc: Specc, spec: Path) -> None:
    arguments = ("--device", "cpu", "--set", "train.epochs=1", "--subset", "70", "--seeds", "1", "--variants", "norm")
    answer = specc("study", spec, *arguments, "--json", "-q", "--out", "there")
    assert answer.status == 0 and answer.err == ""
    study = json.loads(answer.out)
    assert study == found("there")
    assert [variant["name"] for variant in study["variants"]] == ["base file", "norm"]
    norm = study["variants"][1]
    assert (norm["extends"], norm["compared_with"]) == ("relu", "base file")
    assert norm["gain"]["low"] is None and norm["val_accuracy"]["deviation"] is None
    text = Path("there/table.md").read_text()
    assert "there is no confidence interval" in text and "over base file" in text


def test_a_failing_variant_is_noted_and_the_others_go_on(specc: Specc, spec: Path) -> None:
    spec.write_text(
        SPEC + "variant wild extends norm { train.optimizer = sgd(lr=1e12) }\nvariant last { train.batch = 32 }"
    )
    answer = specc("study", spec, *QUICK)
    assert answer.status == 1
    variants = {variant["name"]: variant for variant in found()["variants"]}
    assert variants["wild"]["error"]["code"] == "E436" and variants["wild"]["val_accuracy"] is None
    assert variants["last"]["error"] is None and len(variants["last"]["runs"]) == 2
    assert "0 (2 failed)" in answer.out and "wild, seed 0, 1: E436" in answer.out
    again = specc("study", spec, *QUICK)
    assert again.status == 1 and again.err.count("(reused)") == 8


def test_leave_one_out(specc: Specc, spec: Path) -> None:
    answer = specc("study", spec, *QUICK, "--leave-one-out", "norm")
    assert answer.status == 0, answer.err
    study = found()
    assert [(variant["name"], variant["compared_with"]) for variant in study["variants"]] == [
        ("norm", None),
        ("norm without network.act", "norm"),
        ("norm without network.norm", "norm"),
    ]
    texts = [Path("studies/small", variant["runs"][0]["run"], "spec.cnn").read_text() for variant in study["variants"]]
    assert ["act=relu" in text for text in texts] == [True, False, True]
    assert ["norm=batch_norm" in text for text in texts] == [True, True, False]


def test_what_does_not_check_without_a_setting_is_noted(specc: Specc, spec: Path) -> None:
    text = SPEC + "variant groups { network.width = 8; network.norm = group_norm(8) }"
    spec.write_text(text.replace("width=4,", "width=6,"))
    answer = specc("study", spec, *QUICK, "--leave-one-out", "groups")
    assert answer.status == 1
    _, without_width, without_norm = found()["variants"]
    assert without_width["error"]["code"] == "E440" and "groups=8" in without_width["error"]["message"]
    assert without_norm["error"] is None


def test_folds_validate_on_every_training_image_once(specc: Specc, spec: Path) -> None:
    arguments = ("study", spec, "--device", "cpu", "--epochs", "1", "--folds", "3", "--variants", "relu")
    answer = specc(*arguments)
    assert answer.status == 0, answer.err
    assert [line.split(":")[0] for line in answer.err.splitlines()][:2] == [
        "[1/6] base file, fold 1",
        "[2/6] relu, fold 1",
    ]
    study = found()
    assert (study["seeds"], study["folds"], study["comparisons"]) == ([0], 3, 1)
    base, relu = study["variants"]
    assert [(run["seed"], run["fold"]) for run in relu["runs"]] == [(0, 1), (0, 2), (0, 3)]
    values = [run["val_accuracy"] for run in relu["runs"]]
    assert relu["val_accuracy"]["mean"] == pytest.approx(sum(values) / 3)
    gains = np.array(values) - np.array([run["val_accuracy"] for run in base["runs"]])
    # a fold of three: half as many images validate as train; t with two degrees of freedom
    ratio = study["images"]["validation"] / study["images"]["train"]
    assert ratio == pytest.approx(0.5, abs=0.01)
    half = 4.30265 * gains.std(ddof=1) * np.sqrt(1 / 3 + ratio)
    assert (relu["gain"]["low"], relu["gain"]["high"]) == pytest.approx(
        (gains.mean() - half, gains.mean() + half), rel=1e-4
    )
    infos = [json.loads((Path("studies/small") / run["run"] / "run.json").read_text()) for run in relu["runs"]]
    assert sum(info["images"]["validation"] for info in infos) == 1442
    assert [info["validated_on"].split(":")[0] for info in infos] == [f"fold {fold} of 3" for fold in (1, 2, 3)]
    assert not list(Path("studies").rglob("model.onnx")) and not list(Path("studies").rglob("looks.jsonl"))
    assert "1,442 training images in 3 folds" in answer.out and ", 3 folds" in answer.out

    again = specc(*arguments)
    assert again.err.count("(reused)") == 6 and figures(found()) == figures(study)


OF_TASKS = {  # labels of 40 images, what the network ends in, the figure, and the figure of each class
    "multi-label": (np.arange(80).reshape(40, 2) // 2 % 2, "global_avg_pool -> dense(2)", "map", "average_precision"),
    "regression": (np.arange(40) / 4, "global_avg_pool -> dense(1)", "mae", ""),
    "segmentation": (np.arange(40 * 64).reshape(40, 8, 8) % 2, "conv(2, 1x1)", "mean_iou", "iou"),
}


@pytest.mark.parametrize("task", OF_TASKS)
def test_a_study_has_the_figures_of_its_task(specc: Specc, tmp_path: Path, task: str) -> None:
    labels, end, figure, of_class = OF_TASKS[task]
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    parts = {"x_train": images[:30], "y_train": labels[:30], "x_val": images[30:], "y_val": labels[30:]}
    np.savez(tmp_path / "data.npz", **parts)  # type: ignore[arg-type]  # numpy's stub has no such call
    file, out = tmp_path / "net.cnn", tmp_path / "out"
    file.write_text(
        f"""
        data {{ source = npz("data.npz") }}
        network Net(width=2) {{ input(1, 8x8) -> conv(width) -> relu -> {end} }}
        train {{ epochs = 2; batch = 10 }}
        variant wide {{ network.width = 3 }}
        """
    )
    answer = specc("study", file, "--device", "cpu", "--seeds", "2", "--out", out)
    assert answer.status == 0, answer.err
    study = json.loads((out / "study.json").read_text())
    assert study["figure"] == figure
    base, wide = study["variants"]
    for run in base["runs"]:
        last = json.loads((out / run["run"] / "metrics.jsonl").read_text().splitlines()[-1])
        assert run[f"val_{figure}"] == last[f"val_{figure}"] and run[f"train_{figure}"] is not None
        assert set(run["curve"][-1]) == {"epoch", "train_loss", f"train_{figure}", "val_loss", f"val_{figure}"}
        if of_class:
            assert np.mean(list(run["of_classes"].values())) == pytest.approx(last[f"val_{figure}"], abs=1e-6)
    means = [variant[f"val_{figure}"]["mean"] for variant in (base, wide)]
    assert wide["gain"]["mean"] == pytest.approx(means[1] - means[0])
    assert (out / "curves.png").is_file()
    again = specc("study", file, "--device", "cpu", "--seeds", "2", "--out", out)
    assert again.err.count("(reused)") == 4 and again.out == answer.out


def test_the_figure_that_chooses_compares_and_is_taken_apart(specc: Specc, spec: Path) -> None:
    text = SPEC.replace("batch = 64;", "batch = 64; best = balanced_accuracy;") + "variant f1 { train.best = f1 }"
    spec.write_text(text)
    answer = specc("study", spec, *QUICK, "--variants", "f1")
    assert answer.status == 0, answer.err
    study = found()
    assert study["figure"] == "balanced_accuracy"
    run = study["variants"][1]["runs"][0]
    recalls = [value for value in run["of_classes"].values() if value is not None]
    assert len(run["of_classes"]) == 10 and np.mean(recalls) == pytest.approx(run["val_balanced_accuracy"])
    assert "recall on the validation images, after the last epoch:" in answer.out
    assert "train_balanced_accuracy" not in run["curve"][0]  # whose epochs have the training figures of f1


def test_a_variant_of_another_task_is_refused(specc: Specc, spec: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    np.savez("numbers.npz", images=images, labels=np.tile(np.arange(20.0)[:, None], 10))
    text = SPEC.replace("  conv(width)", "  input(1, 8x8)\n  conv(width)")
    spec.write_text(text + 'variant other { data.source = npz("numbers.npz") }')
    answer = specc("study", spec, *QUICK, "--variants", "other")
    assert answer.status == 1
    assert "the task of `other` is regression, that of `base file` is classification" in answer.out


def test_the_same_spec_is_trained_once(specc: Specc, spec: Path) -> None:
    spec.write_text(SPEC + "variant same { network.act = sigmoid }")
    answer = specc("study", spec, *QUICK, "--variants", "same")
    assert "same: the same spec as base file" in answer.out
    assert len(list(Path("studies/small/runs").iterdir())) == 2


def test_a_run_of_a_study_is_an_ordinary_run(specc: Specc, spec: Path) -> None:
    specc("study", spec, *ONCE, "--variants", "relu", "--export")
    runs = sorted(Path("studies/small/runs").iterdir())
    assert all((run / "model.onnx").is_file() for run in runs)
    assert specc("eval", runs[0], "--device", "cpu").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--variants", "rleu"), 1, "did you mean `relu`?"),
        (("--leave-one-out", "nrom"), 1, "did you mean `norm`?"),
        (("--variants", "relu", "--leave-one-out", "norm"), 2, "--variants cannot be combined with --leave-one-out"),
        (("--samples", "2"), 2, "specc search small.cnn --sampler random --trials 2"),
        (("--set", "train.epoch=1"), 1, "`epochs`"),
        (("--device", "gpu"), 2, "device `gpu` is not available"),
        (("--out", "small.cnn"), 2, "cannot be written"),
        (("--seeds", "0"), 2, "--seeds"),
        (("--folds", "1"), 2, "--folds"),
        (("--folds", "3", "--seeds", "2"), 2, "each fold is trained once, with train.seed"),
        (("--folds", "3", "--export"), 2, "no run is trained on all training images"),
        (("--folds", "3", "--set", "data.validation=test"), 2, "conflicts with --folds 3"),
    ],
)
def test_wrong_calls(specc: Specc, spec: Path, arguments: tuple[str, ...], status: int, words: str) -> None:
    answer = specc("study", spec, *arguments)
    assert answer.status == status
    assert words in answer.err and answer.out == ""
    assert not Path("studies").exists()


def test_data_that_are_not_there_stop_it_at_once(specc: Specc, spec: Path) -> None:
    spec.write_text(SPEC.replace("  conv(", "  input(1, 8x8)\n  conv(", 1).replace("digits", 'npz("nowhere.npz")'))
    answer = specc("study", spec, *QUICK)
    assert answer.status and "nowhere.npz" in answer.err and answer.out == ""
    assert not Path("studies").exists()


SLOW = """
import sys
from time import sleep
from specc.backend.engine.trainer import Trainer
from specc.cli.app import run
step, done = Trainer.step, []
Trainer.step = lambda loop: (step(loop), done.append(1), sleep(0.5 * (len(done) > 8)))  # the signal finds it at work
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_stopped_study_goes_on_to_the_same_results(specc: Specc, spec: Path) -> None:
    arguments = ["study", str(spec), *QUICK[:3], "2", *QUICK[4:]]
    assert specc(*arguments, "--out", "straight").status == 0
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stderr is not None and process.stdout is not None
    for line in process.stderr:
        if line.startswith("[2/6]"):
            break
    while not list(Path("studies/small/runs").glob("norm-*/run.json")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "run the same command again to continue" in err and "not finished" in out
    stopped = found()
    assert stopped["command"] == ["specc", *arguments]
    assert not stopped["finished"] and stopped["variants"][0]["runs"] and not stopped["variants"][2]["runs"]
    assert Path("studies/small/curves.png").is_file()

    answer = specc(*arguments)
    assert answer.status == 0 and answer.err.count("(reused)") == 2
    assert figures(found()) == figures(found("straight"))


def test_what_was_killed_before_its_first_checkpoint_begins_again(specc: Specc, spec: Path) -> None:
    arguments = ("study", spec, *ONCE, "--variants", "relu")
    specc(*arguments)
    first = found()
    for run in Path("studies/small/runs").iterdir():
        (run / "result.json").unlink()
        for file in (run / "checkpoints").iterdir():
            file.unlink()
    answer = specc(*arguments)
    assert answer.status == 0 and "was there" not in answer.err
    assert figures(found()) == figures(first)
