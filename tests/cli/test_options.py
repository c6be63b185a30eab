"""Every pair of a command's options is honored, or refused by name: none is ignored.

The back end is replaced by a recorder, so what a command does is what it calls and what it prints. An option is honored
where leaving it out changes that.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import import_module
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from specc.backend.data.shards.pack import Packing
from specc.backend.doctor import Finding as Examined
from specc.backend.engine.rehearsal import Peak
from specc.backend.evaluation.figures import figures_of
from specc.backend.evaluation.of_run import Measured
from specc.backend.evaluation.totals import Evaluation
from specc.backend.onnx.verify import Finding, Verification
from specc.backend.predict import Prediction
from specc.backend.probe import probe
from specc.backend.run.imported import Imported, Weights
from specc.backend.run.metrics import EpochResult
from specc.backend.run.summary import Summary
from specc.backend.starter.draft import Draft
from specc.backend.study.plan import Repetition
from specc.backend.tasks.bound import bind
from specc.backend.train.fit import Fitted
from specc.backend.train.job import Outcome
from specc.backend.train.prove import Compared, Proof
from specc.check import Checked, check
from specc.cli import app
from specc.cli.options import written
from specc.ir.graph import Graph
from specc.ir.mapping import Mapped
from specc.source import Source
from specc.tasks import CLASSIFICATION, TASKS
from tests.helpers.fake_sink import install
from tests.helpers.together import each_of

SPEC = """\
data { source = digits }
network Small(width=4, act=relu) {
  conv(width) -> act
  flatten -> dense(10)
}
train { batch = 32 }
variant wide { network.width = 6 }
variant cut { data.resize = cover(8x8) }
variant deep { network.act = tanh; network.width = 6 }
search { train.batch = choice(8, 16) }
"""
FLAWED = "network Flawed {\n  input(3, 8x8)\n  conv(8, kernl=3) -> dropout(20%) -> batch_norm\n}\n"
LINTED = SPEC.replace("-> act", "-> softmax -> act")
STARTED = SPEC.replace("train { ", 'train { start = weights("w.safetensors"); ')
UGLY = "network  N { input(3, 8x8)\nconv(8) }\n"

Options = dict[str, tuple[str, ...]]
FOLDER = {"--data-dir": ("--data-dir", "there"), "--device": ("--device", "cuda:7")}
JSON = {"--json": ("--json",)}
SEARCH: Options = {
    "--trials": ("--trials", "7"),
    "--sampler": ("--sampler", "random"),
    "--pruner": ("--pruner", "hyperband"),
    "--seeds": ("--seeds", "2"),
    "--seed": ("--seed", "5"),
    "--workers": ("--workers", "2"),
    "--storage": ("--storage", "postgresql://host/database"),
    "--against": ("--against", "macs"),
    "--resume": ("--resume", "found"),
    "--replay": ("--replay", "found"),
    "--variant": ("--variant", "wide"),
    "--epochs": ("--epochs", "2"),
    "--subset": ("--subset", "50"),
    "--set": ("--set", "train.clip=1"),
    **FOLDER,
    "--out": ("--out", "new"),
    "--quiet": ("--quiet",),
    **JSON,
}
CHANGES = {"--variant": ("--variant", "wide"), "--set": ("--set", "train.epochs=3")}
SHOWN: Options = {
    "--variant": ("--variant", "deep"),
    "--set": ("--set", "network.act=selu"),
    "--picture": ("--picture", "net.svg"),
    **JSON,
}
LOOK: Options = {
    **{f"--{name}": (f"--{name}", "x") for name in ("masks", "image", "label", "labels", "target", "like")},
    **JSON,
}
TRAIN: Options = {
    **CHANGES,
    **FOLDER,
    "--out": ("--out", "new"),
    "--seed": ("--seed", "5"),
    "--resume": ("--resume", "run"),
    "--start-from": ("--start-from", "other"),
    "--resume-inexact": ("--resume-inexact",),
    "--devices": ("--devices", "2"),
    "--max-restarts": ("--max-restarts", "1"),
    "--hang-timeout": ("--hang-timeout", "90"),
    "--checkpoint-signal": ("--checkpoint-signal", "USR2"),
    "--log": ("--log", "tensorboard"),
    "--plan": ("--plan",),
    "--prove-resume": ("--prove-resume",),
    "--fit": ("--fit",),
    "--quiet": ("--quiet",),
    **JSON,
}
EXPORT: Options = {
    "--out": ("--out", "a.onnx"),
    "--precision": ("--precision", "fp16"),
    "--for": ("--for", "web"),
    **FOLDER,
    "--provider": ("--provider", "cuda"),
    "--runtime": ("--runtime", "ort"),
    **JSON,
}
PREDICT: Options = {
    "--top": ("--top", "3"),
    "--threshold": ("--threshold", "0.8"),
    "--out": ("--out", "masks"),
    "--heat": ("--heat", "heat"),
    "--csv": ("--csv", "answers.csv"),
    **JSON,
}


class Case(NamedTuple):
    """A command with what is always given, and the options that are paired."""

    command: str
    base: tuple[str, ...]
    options: Options


CASES = [
    Case("new", (), {"NAME": ("second",)}),
    Case("new", ("second",), {"--data": ("--data", "birds.csv"), **LOOK}),
    Case("new", ("second", "--data", "birds.csv"), LOOK),
    Case("check", ("flawed.cnn",), {name: (name,) for name in ("--fix", "--short", "--json", "--sarif")}),
    Case("check", ("linted.cnn",), {name: (name,) for name in ("--strict", "--short", "--json", "--sarif")}),
    Case("fmt", ("ugly.cnn",), {name: (name,) for name in ("--check", "--diff")}),
    Case("show", (), {"FILE": ("net.cnn",), **SHOWN, "--defaults": ("--defaults",)}),
    Case("show", ("net.cnn",), {**SHOWN, "--init": ("--init",)}),
    Case("show", ("started.cnn",), {**SHOWN, "--init": ("--init",), "--start": ("--start",)}),
    Case("diff", ("net.cnn", "linted.cnn"), {**CHANGES, **JSON}),
    Case("diff", ("net.cnn",), {"B": ("linted.cnn",), **CHANGES}),
    Case("ops", (), {"NAME": ("conv",), **JSON}),
    Case("zoo", (), {"NAME": ("resnet18",), **JSON}),
    Case(
        "import",
        ("net.pth",),
        {"--as": ("--as", "resnet18"), "--key": ("--key", "ema"), "--out": ("--out", "a.safetensors"), **JSON},
    ),
    Case("explain", (), {"CODE": ("E301",), **JSON}),
    Case(
        "probe",
        ("net.cnn",),
        {
            **CHANGES,
            **FOLDER,
            **JSON,
            "--all": ("--all",),
            "--seed": ("--seed", "5"),
            "--picture": ("--picture", "seen.svg"),
        },
    ),
    Case("train", ("net.cnn",), TRAIN),
    Case("train", ("--resume", "run"), {name: how for name, how in TRAIN.items() if name != "--resume"}),
    *(
        Case("train", ("net.cnn", f"--{mode}"), {name: how for name, how in TRAIN.items() if name != f"--{mode}"})
        for mode in ("plan", "prove-resume", "fit")
    ),
    Case(
        "study",
        ("net.cnn",),
        {
            "--variants": ("--variants", "wide"),
            "--leave-one-out": ("--leave-one-out", "wide"),
            "--samples": ("--samples", "2"),
            "--seeds": ("--seeds", "2"),
            "--folds": ("--folds", "2"),
            "--epochs": ("--epochs", "2"),
            "--subset": ("--subset", "50"),
            "--set": ("--set", "train.batch=8"),
            **FOLDER,
            "--out": ("--out", "new"),
            "--export": ("--export",),
            "--quiet": ("--quiet",),
            **JSON,
        },
    ),
    Case("search", ("net.cnn",), SEARCH),
    Case("search", ("--resume", "found"), {name: how for name, how in SEARCH.items() if name != "--resume"}),
    Case("search", ("--replay", "found"), {name: how for name, how in SEARCH.items() if name != "--replay"}),
    Case(
        "eval",
        ("run",),
        {
            "--part": ("--part", "test"),
            "--mistakes": ("--mistakes", "1"),
            "--csv": ("--csv", "images.csv"),
            **FOLDER,
            **JSON,
        },
    ),
    Case("report", ("run",), {"--out": ("--out", "page.html"), **FOLDER}),
    Case("report", ("run", "other"), {"--out": ("--out", "page.html"), **FOLDER}),
    Case("watch", ("run",), {"--port": ("--port", "9473"), "--open": ("--open",)}),
    Case("playground", (), {"--out": ("--out", "page"), "--port": ("--port", "9473"), "--open": ("--open",)}),
    Case("log", ("run",), {"--to": ("--to", "tensorboard")}),
    Case("runs", (), {"FOLDER": ("there",), **JSON}),
    *(Case("predict", (f"{task}.onnx", "cat.png"), PREDICT) for task in TASKS),
    Case("export", ("run",), EXPORT),
    Case("export", ("run", "--for", "web"), {name: how for name, how in EXPORT.items() if name != "--for"}),
    Case("export", ("net.cnn",), EXPORT),
    Case("verify", ("model.onnx",), {**FOLDER, "--provider": ("--provider", "cuda"), **JSON}),
    Case("emit", ("net.cnn",), {**CHANGES, "--out": ("--out", "net.py")}),
    Case("pack", ("net.cnn",), {"--out": ("--out", "sh"), **JSON}),
    Case(
        "pack",
        ("net.cnn", "--out", "sh"),
        {
            "--variant": ("--variant", "cut"),
            "--set": ("--set", "data.seed=3"),
            "--size": ("--size", "4x4"),
            "--jpeg": ("--jpeg", "90"),
            "--shard-size": ("--shard-size", "1GB"),
            "--data-dir": FOLDER["--data-dir"],
            "--quiet": ("--quiet",),
            **JSON,
        },
    ),
    Case("doctor", (), {"--data-dir": ("--data-dir", "there"), **JSON}),
]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join((case.command, *case.base)))


def test_every_option_of_every_command_is_paired() -> None:
    for command in app.COMMANDS:
        parameters = {written(one) for one in app.load(command).params if one.name != "help"}
        paired = {name for case in CASES if case.command == command for name in case.options}
        always = {"FILE", "FILE...", "RUN", "RUN...", "MODEL", "IMAGES...", "IMAGES", "A"}
        assert paired <= parameters
        assert parameters - paired <= always, command


BACK_END = [
    *(
        "evaluation.of_run",
        "report_page",
        "run.summary",
        "onnx.export",
        "onnx.graph_only",
        "onnx.triton",
        "onnx.web.page",
        "onnx.web.runtime",
    ),
    *(
        "pictures.probe",
        "predict.file",
        "predict.heat",
        "predict.inputs",
        "predict.masks",
        "predict.run",
        "search.job",
        "sinks.teller",
        "starter.draft",
        "study.job",
        "study.runner",
        "train.resume",
    ),
]
Trace = tuple[object, ...]
Runs = Callable[[Case, *tuple[str, ...]], Trace]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """What a command does with some of its options: status, output, calls of the back end, files."""
    place = tmp_path_factory.mktemp("options")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        calls = _record(patch)
        known: dict[tuple[Any, ...], Trace] = {}

        def run(case: Case, *names: str) -> Trace:
            key = (case.command, case.base, names)
            if key not in known:
                calls.clear()
                _write(place)
                arguments = [*case.base, *(part for name in names for part in case.options[name])]
                out, err, status = _output(case.command, arguments)
                files = {path.name: path.read_text() for path in place.iterdir() if path.is_file()}
                known[key] = (status, out, err, tuple(calls), tuple(sorted(files.items())))
            return known[key]

        yield run


def _write(place: Path) -> None:
    for path in place.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, text in {"net": SPEC, "flawed": FLAWED, "linted": LINTED, "ugly": UGLY, "started": STARTED}.items():
        (place / f"{name}.cnn").write_text(text)


def _output(command: str, arguments: list[str]) -> tuple[str, str, int]:
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["specc", command, *arguments])  # which processes get that it starts
        status = app.run([command, *arguments])
    return out.getvalue(), err.getvalue(), status


def _record(patch: pytest.MonkeyPatch) -> list[object]:
    """Replace the back end; the calls that it gets."""
    for module in BACK_END:  # what they import from each other is bound before any of it is replaced
        import_module(f"specc.backend.{module}")
    calls: list[object] = []
    spec = check(Source("net.cnn", SPEC))
    seen = probe(spec, device="cpu")
    validation = {"figures": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}, "optimistic": ""}
    result = EpochResult(1.0, 2, 0.5, {"accuracy": 0.9})
    figure, figures = CLASSIFICATION.figures[0], {"validation": validation}
    outcome = Outcome(Path("run"), result, figure, 2, 0, figures=figures)

    def stub(target: str, result: Any) -> None:
        def called(*arguments: Any, **named: Any) -> Any:
            from specc.backend.data import progress

            calls.append((target, progress.is_hidden(), *map(_plain, arguments), _plain(named)))
            return result(*arguments) if callable(result) else result

        patch.setattr(target, called)

    stub("specc.backend.train.job.train", outcome)
    stub("specc.backend.train.resume.resume", outcome)
    stub("specc.backend.launch.start.launch", 0)
    stub("specc.cli.processes.requeueing", lambda work, _: work)
    for module in ("processes", "shards"):
        stub(f"specc.cli.{module}.shards_of", 4)
    stub("specc.backend.run.manifest.read_info", {"device": "cpu"})
    plan = {"step": {"is": "eager", "because": "short"}}
    images, memory = ("in memory", "5 MB"), (Peak(2_000, 1_000), 5_000)
    job = SimpleNamespace(about={"plan": plan}, images=images, memory=lambda world: memory)
    stub("specc.backend.train.prepare.prepare", job)

    patch.setattr("specc.backend.memory.memory_explained", lambda spec, device: nullcontext())  # which looks for it
    stub("specc.backend.train.fit.fit", Fitted(16, 2, "batches of 16 fit"))
    stub("specc.backend.train.prove.prove", Proof(4, 1, 2, "cpu", [Compared("weights", 2, "a", "a")]))
    certificate = SimpleNamespace(as_dict=lambda: {"precision": "fp32"}, optimistic="")
    exported = SimpleNamespace(path=Path("run/model.onnx"), certificate=certificate, size=3, latency={})
    stub("specc.backend.onnx.export.export_run", [exported])
    for module in ("training.report_export", "export.report"):
        patch.setattr(f"specc.cli.{module}", lambda files: "exported")
    made = SimpleNamespace(path=Path("net.onnx"), comparisons=[], scale=1.0, output="logits")
    stub("specc.backend.onnx.graph_only.export_graph", made)
    stub("specc.backend.onnx.web.runtime.find_runtime", Path("ort"))
    stub("specc.backend.onnx.web.page.write_page", Path("index.html"))
    stub("specc.backend.starter.draft.draft", Draft(SPEC, ["seen"], {"source": "csv"}))
    stub("specc.backend.probe.probe", seen)
    stub("specc.backend.probe.probe_each", [seen])
    stub("specc.backend.pictures.probe.draw", [Path("seen.svg")])
    stub("specc.backend.study.job.study", lambda entries, against, checked, *_: (_study(entries, checked), 0))
    patch.setattr("specc.cli.study.study_table", lambda study: f"table {study}")
    stub("specc.backend.search.job.prepare", lambda folder, checked, *_: calls.append(_plain(checked(()))))
    stub("specc.backend.search.job.search", ({"best": 1, "against": None}, 0))
    stub("specc.backend.search.job.replay_search", ([], 0))
    patch.setattr("specc.cli.search.search_table", lambda found: f"table {found}")
    about = SimpleNamespace(
        classes=["a", "b"], spec=SimpleNamespace(train=spec.train), info={"validated_on": "the test part"}
    )
    stub("specc.backend.run.load.open_run", about)
    task, records = bind(CLASSIFICATION, ["a", "b"]), np.array([[0.0, 0, 0], [1, 0, 1]])
    evaluation = Evaluation(0.1, task.figures(records), records, task.figures(records))
    shares = np.array([[0.9, 0.1], [0.7, 0.3]])
    measured = Measured(
        "validation", "2 images", task, evaluation, figures_of(evaluation, task), "", [], probabilities=shares
    )
    stub("specc.backend.evaluation.of_run.evaluate_run", measured)

    def from_file(path: Path) -> SimpleNamespace:
        return SimpleNamespace(task=TASKS[path.stem], warning="", size="", heat=len)

    stub("specc.backend.predict.file.from_file", from_file)
    stub("specc.backend.predict.masks.write_masks", None)
    stub("specc.backend.predict.heat.write_heat", None)
    stub("specc.backend.report_page.page_of_run", "one")
    stub("specc.backend.report_page.page_of_runs", "several")
    served = SimpleNamespace(url="http://127.0.0.1:9473/", serve_forever=lambda: None)
    stub("specc.cli.watch.loopback", lambda port, usual, answer: nullcontext(served))
    stub("specc.cli.playground.loopback", lambda port, usual, answer: nullcontext(served))
    stub("specc.cli.playground.page", None)
    stub("specc.cli.playground.write_folder", 15_700_000)
    stub("webbrowser.open", True)
    told = install(patch.setattr)
    stub("specc.backend.sinks.sink.open_sink", told)
    stub("specc.backend.sinks.whole.about_run", "about")
    stub("specc.backend.sinks.whole.tell_all", None)
    stub("specc.backend.sinks.teller.Log", nullcontext(SimpleNamespace(listening=None, tell_end=lambda *_, **__: None)))
    stub("specc.backend.run.summary.runs_in", [Path("run")])
    stub("specc.backend.run.summary.summary_of", Summary(Path("run"), "finished", {}, 1, 0.0))
    stub("specc.backend.predict.predict", Prediction(Path("cat.png"), [("cat", 0.9)], None))

    stub("specc.backend.onnx.verify.verify", Verification([Finding("content", True, "as it was")], {}))

    stub(
        "specc.backend.start.resolve_start",
        SimpleNamespace(words="w", sha256="0", skips_unused=False, classes=(), known=None),
    )

    def mapped(graph: Graph, *_: Any) -> list[Mapped]:
        return [Mapped("loaded", node.op.name, (graph.parameters,), "", None) for node in graph.nodes]

    stub("specc.backend.start.map_start", mapped)
    imported = Imported(Path("net.safetensors"), Weights({}), {"imported": {"file": "net.pth", "sha256": "0"}})
    stub("specc.backend.run.imported.import_weights", imported)
    shards = Packing(Path("sh/index.json"), "0", (1, 8, 8), {"train": 9}, 1, 5, 0, False, ("resized",))
    stub("specc.backend.data.shards.pack.pack", shards)
    stub("specc.backend.doctor.examine", [Examined("packages", "torch", "2")])
    stub("specc.backend.device.find", torch.device("cpu"))
    return calls


def _study(entries: Any, checked: Any) -> dict[str, Any]:
    spec = checked(entries[0], Repetition(0))
    return {"variants": [{"error": None}], "entries": repr(entries), "train": repr(spec.train)}


def _plain(value: Any) -> str:
    """A value in words, without the addresses of functions. The command line itself is no answer to it."""
    if isinstance(value, dict):
        return repr({name: _plain(one) for name, one in value.items() if name != "command"})
    if isinstance(value, Checked):
        return f"{value.variant} {value.resolved}"
    if hasattr(getattr(value, "spec", None), "resolved"):  # a training's request
        return f"{_plain(value._replace(spec=None))} {value.spec.variant} {value.spec.resolved}"
    if hasattr(value, "exports"):  # the trainings of a study
        return f"exports {value.exports}"
    if hasattr(value, "_replace") and hasattr(value, "command"):
        value = value._replace(command=())
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _is_refused(trace: Trace, code: str = "E475") -> bool:
    return f"error[{code}]" in str(trace[2])


@EACH
def test_an_option_is_honored_or_refused(runs: Runs, case: Case) -> None:
    each_of(((runs, case, name) for name in case.options), is_honored_or_refused)


def is_honored_or_refused(runs: Runs, case: Case, name: str) -> None:
    trace = runs(case, name)
    assert "internal error" not in str(trace), trace
    if _is_refused(trace):
        assert name in str(trace[2])
    elif not _is_refused(trace, "E483"):  # no file is given
        assert trace != runs(case)


@EACH
def test_two_options_are_honored_or_refused(runs: Runs, case: Case) -> None:
    each_of(((runs, case, *pair) for pair in combinations(case.options, 2)), are_honored_or_refused)


def are_honored_or_refused(runs: Runs, case: Case, one: str, other: str) -> None:
    trace = runs(case, one, other)
    assert "internal error" not in str(trace), trace
    alone = [runs(case, one), runs(case, other)]
    if _is_refused(trace):
        named = [name for name in (one, other) if re.search(rf"(?<![\w-]){name}(?![\w-])", str(trace[2]))]
        assert len(named) == 2 or any(map(_is_refused, alone)), trace[2]
    elif not _is_refused(trace, "E483"):
        assert trace not in alone


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("train", "net.cnn", "--seed", "3", "--set", "train.seed=4"), ("--seed", "--set train.seed=4")),
        (("probe", "net.cnn", "--seed", "3", "--set", "train.seed=4"), ("--seed", "--set train.seed=4")),
        (("study", "net.cnn", "--epochs", "3", "--set", "train.epochs = 4"), ("--epochs", "--set train.epochs = 4")),
        (("show", "net.cnn", "--set", "a.b=1", "--set", "a.b=2"), ("--set a.b=1", "--set a.b=2")),
        (("emit", "net.cnn", "--set", "a.b=1", "--set", " a . b=2"), ("--set a.b=1", "--set  a . b=2")),
        (("diff", "net.cnn", "--set", "a.b=1", "--set", "a.b=2"), ("--set a.b=1", "--set a.b=2")),
    ],
)
def test_one_setting_given_twice(specc: Callable[..., Any], arguments: tuple[str, ...], names: tuple[str, ...]) -> None:
    answer = specc(*arguments)
    assert answer.status == 2 and "error[E475]" in answer.err
    assert all(name in answer.err for name in names)
