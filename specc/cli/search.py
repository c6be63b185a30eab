"""`specc search`: values for what a file searches, drawn, trained, and pruned where they do not pay."""

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from specc.check import Checked
from specc.check.variants import searched_in
from specc.cli.common import print_json, report
from specc.cli.options import Mode, given, mode_of, refuse_with, settings
from specc.errors import SpeccError, clean, clean_lines, counted
from specc.reading import base_of, check_spec, load_base, read_source
from specc.report.search import search_table
from specc.source import Source

if TYPE_CHECKING:
    from specc.backend.search.job import Given, Request

FEWEST_SEEDS = 5  # with fewer pairs, Wilcoxon's smallest p-value, 2^-n, comes too late to save a training
SPEC = "spec.cnn"
ANYHOW = frozenset({"--workers", "--device", "--data-dir", "--quiet", "--json"})
GOES_ON = ANYHOW | {"--trials", "--storage", "--against"}
BEGIN = Mode(
    "",
    "begins a search, or continues the one in its folder",
    GOES_ON
    | {"FILE", "--variant", "--set", "--epochs", "--subset", "--sampler", "--pruner", "--seed", "--seeds", "--out"},
)
RESUME = Mode("--resume", "continues a search with its own settings", GOES_ON)
REPLAY = Mode("--replay", "trains what a search trained once more", ANYHOW | {"--out"})


def search(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A spec with a section `search`.", show_default=False)] = None,
    trials: Annotated[
        int, typer.Option(help="Stop when there are this many trials, earlier ones included.", min=1)
    ] = 20,
    sampler: Annotated[
        Literal["tpe", "random", "gp"],
        typer.Option(help="What draws the values: TPE, chance, or Gaussian processes."),
    ] = "tpe",
    pruner: Annotated[
        Literal["median", "hyperband", "wilcoxon", "none"] | None,
        typer.Option(
            help="What ends trials that do not pay: after epochs, or (wilcoxon) after seeds.",
            show_default="median; with several seeds none",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Train each trial with this many seeds, starting at train.seed.", min=1)
    ] = 1,
    seed: Annotated[int, typer.Option(help="The sampler's seed.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Train in this many processes at once.", min=1, max=256)] = 1,
    storage: Annotated[
        str | None,
        typer.Option(
            help="Share the search with other machines that run the same command: a PostgreSQL database.",
            metavar="URL",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        Literal["macs", "parameters", "latency"] | None,
        typer.Option(help="Also draw the trials' figures against this cost, with their front.", show_default=False),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Continue the search in this folder.", metavar="FOLDER", show_default=False)
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Train every trial of the search in this folder once more, and compare the weights bit for bit.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Search around this variant.", show_default=False)] = None,
    epochs: Annotated[float | None, typer.Option(help="Override train.epochs.", show_default=False)] = None,
    subset: Annotated[
        int | None,
        typer.Option(
            help="Use at most this many training images, and this many validation images.", min=1, show_default=False
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Override a setting of all trials. Repeatable."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA if available.")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The search's folder.", metavar="FOLDER", show_default="searches/FILE")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print search.json.")] = False,
) -> int:
    """Try values for the settings in a file's `search`, and write the best as best.cnn.

    Trials are compared by the figure that chooses (train.best) on the validation images; the test part is not looked
    at. The folder holds a run for each trial, suggestions.jsonl with every suggestion and decision, search.json and
    pictures. Nothing is lost when a worker or the search is stopped or killed: the same command continues it, each
    training from its checkpoint. Needs Optuna: pip install "specc-cnn[search]".

    Examples:

      specc search net.cnn --trials 40 --workers 2
      specc search --resume searches/net --trials 60
      specc search --replay searches/net
    """
    names = given(context)
    mode = mode_of(names, (RESUME, REPLAY), BEGIN)
    refuse_with(names, "--resume", ["FILE"], RESUME.does)
    if file is None and mode is BEGIN:
        help = "specc search net.cnn, or specc search --resume searches/net"
        raise SpeccError("E483", "a spec or the folder of a search is needed", help=help)
    pruner = pruner or ("median" if seeds == 1 else "none")
    _refuse_pruner(pruner, seeds)
    from specc.backend.data.progress import hidden
    from specc.backend.search.job import Request
    from specc.backend.search.storage import hidden as without_password

    # it goes into the journal, search.json and every run.json
    command = (
        "specc",
        *(text.replace(storage, without_password(storage)) if storage else text for text in sys.argv[1:]),
    )
    request = Request(
        trials, sampler, pruner, seed, seeds, workers, storage, subset, device, data_dir, against or "", command
    )
    with hidden(quiet):
        if replay is not None:
            return _replay(replay, out, request, quiet, json)
        folder = resume
        if folder is None:
            assert file is not None
            folder = out or Path("searches") / file.stem
            if status := _prepare(file, folder, variant, settings(sets, epochs=epochs), request):
                return status
        return _search(folder, request, quiet, json)


def _refuse_pruner(pruner: str, seeds: int) -> None:
    """Raise SpeccError E475 where a pruner does not go with the number of seeds."""
    if pruner == "wilcoxon" and seeds < FEWEST_SEEDS:
        message = f"--pruner wilcoxon compares seeds in pairs, and needs --seeds {FEWEST_SEEDS} or more, not {seeds}"
        help = (
            "with four pairs the smallest p-value is 1/16: the first trial could be pruned when nothing is left of it"
        )
        raise SpeccError("E475", message, help=help)
    if pruner in ("median", "hyperband") and seeds > 1:
        message = f"--pruner {pruner} compares epochs of one training, so it cannot be combined with --seeds {seeds}"
        raise SpeccError("E475", message, help="use --pruner wilcoxon or --pruner none with several seeds")


def _prepare(file: Path, folder: Path, variant: str | None, sets: list[str], request: "Request") -> int:
    """Make the folder of a search; the exit status."""
    from specc.backend.search.engine import need_optuna
    from specc.backend.search.job import prepare
    from specc.backend.search.storage import refuse_storage

    source = read_source(file)
    data_dir = request.data_dir

    @cache
    def checked(more: Sequence[str]) -> Checked:
        return check_spec(source, data_dir=data_dir, variant=variant, sets=[*sets, *more])

    everything = check_spec(source, data_dir=data_dir, everything=True)
    if report(everything.errors):
        return 1
    plain = checked(())
    if report(plain.diagnostics):
        return 1
    space = searched_in(source, load_base)
    if not space:
        help = "add one, such as search { train.optimizer.lr = log_uniform(1e-4, 1e-1) }"
        raise SpeccError(
            "E513", f"{source.path} has no section `search`, so there is nothing to try", help=help, status=1
        )
    written = {"".join(text.partition("=")[0].split()) for text in sets}
    if path := next((one.path for one in space if one.path in written), ""):
        message = f"--set {path} conflicts with the section `search`, which tries other values of it"
        raise SpeccError("E475", message, help="remove one of them")
    need_optuna()
    if request.storage is not None:
        refuse_storage(request.storage)
    prepare(folder, lambda more: checked(tuple(more)), space, base_of(file), request)
    return 0


def _given(folder: Path, data_dir: Path | None) -> "Given":
    from specc.backend.search.job import Given

    @cache
    def source() -> Source:
        return read_source(folder / SPEC)

    def stored(sets: Sequence[str]) -> Checked:
        return check_spec(source(), data_dir=data_dir, sets=sets)

    return Given(lambda: searched_in(source(), load_base), stored, _worker, _latency)


def _worker(about: Mapping[str, Any]) -> Sequence[str]:
    """The command that starts a worker."""
    return [sys.executable, "-m", "specc.cli.search_worker", dumps(about)]


def _latency(checked: Checked) -> float:
    from specc.backend.onnx.graph_only import graph_latency

    return graph_latency(checked)


def _search(folder: Path, request: "Request", quiet: bool, json: bool) -> int:
    from specc.backend.search.job import files_of
    from specc.backend.search.job import search as carry_out

    found, status = carry_out(folder, request, _given(folder, request.data_dir), quiet)
    if json:
        print(dumps(found, indent=1))
    else:
        print(clean_lines(search_table(found)))
        print("", *(clean(str(folder / name)) for name in files_of(found)), sep="\n")
    if status:
        print("stopped; run the same command again to continue", file=sys.stderr)
    return status


def _replay(folder: Path, out: Path | None, request: "Request", quiet: bool, json: bool) -> int:
    """Train a search once more, and print how its weights compare."""
    from specc.backend.search.job import replay_search

    out = out or folder / "replay"
    found, status = replay_search(folder, out, request, _given(folder, request.data_dir), quiet)
    same = sum(one.is_same for one in found)
    if json:
        print_json({"trainings": [one.as_dict() for one in found], "same": same, "out": str(out), "ended": not status})
    else:
        trials = len({one.trial for one in found})
        print(f"{same} of {counted(len(found), 'training')} ({counted(trials, 'trial')}) have the same bits, in {out}")
    if status:
        print("stopped; a replay begins anew", file=sys.stderr)
    elif same < len(found):
        first = next(one for one in found if not one.is_same)
        message = f"{len(found) - same} of {counted(len(found), 'training')} have other weights than in the search"
        help = f"the first is trial {first.trial}, seed {first.seed}; was it another machine, or another version?"
        raise SpeccError("E518", message, help=help, status=1)
    return status
