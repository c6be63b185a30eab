"""`specc runs`: the runs in a folder, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli.common import print_json
from specc.errors import clean, counted
from specc.fit import fitted
from specc.report.layers import columns
from specc.report.study import duration

if TYPE_CHECKING:
    from specc.backend.run.summary import Summary
    from specc.tasks import Figure

RUNS = Path("runs")
NUMBERS = 4  # the columns behind the texts


def runs(
    folder: Annotated[Path, typer.Argument(help="A folder with runs in it.")] = RUNS,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """List the runs in a folder: spec, figures of the best epoch, epochs, time, and whether it is finished.

    The figure is the first of the run's task, on its validation images, with its 95% interval; where a test part was
    measured, that is shown as well. A run that was stopped can be resumed; of a damaged one the reason is given.

    Examples:

      specc runs
      specc runs runs --json
    """
    from specc.backend.run.summary import runs_in, summary_of

    found = [summary_of(path) for path in runs_in(folder)]
    if json:
        print_json({"runs": [_as_json(one) for one in found]})
        return 0
    head = ("run", "spec", "state", "figure", "validation", "test", "epochs", "time")
    print(columns(head, [_row(one) for one in found], texts=len(head) - NUMBERS))
    states = [one.state for one in found]
    counts = ", ".join(f"{states.count(state):,} {state}" for state in dict.fromkeys(states))
    print(fitted(f"\n{counted(len(found), 'run')}: {counts}"))
    for one in found:
        if one.why:
            print(fitted(f"{clean(one.path.name)}: {clean(one.why)}"))
    return 0


def _row(run: "Summary") -> Sequence[str]:
    name = clean(run.path.resolve().name)
    if not run.info:
        return (name, "", run.state, "", "", "", "", "")
    figure = run.task.figures[0]
    return (
        name,
        clean(run.name),
        run.state,
        figure.title if run.figures("validation") else "",
        *(_text(run, figure, part) for part in ("validation", "test")),
        f"{run.epochs:g}",
        duration(run.seconds) if run.seconds else "",
    )


def _text(run: "Summary", figure: "Figure", part: str) -> str:
    from specc.backend.evaluation.figures import Estimate

    known = run.figures(part).get(figure.name)
    return Estimate.of(known).text(figure) if known else ""


def _as_json(run: "Summary") -> dict[str, Any]:
    return {
        "path": str(run.path),
        "name": run.info.get("name"),
        "variant": run.info.get("variant"),
        "state": run.state,
        "damage": run.why or None,
        "task": run.task.name if run.info else None,
        "epochs": run.epochs,
        "seconds": run.seconds,
        "started": run.info.get("started"),
        "ended": run.info.get("ended"),
        "parameters": run.info.get("parameters"),
        "figures": {part: run.figures(part) for part in ("validation", "test") if run.figures(part)},
    }
