"""`specc log`: a run goes to programs that keep the figures of runs."""

from pathlib import Path
from typing import Annotated

import typer

from specc.errors import SpeccError, clean


def log(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN", show_default=False)],
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            help="Where to: tensorboard, mlflow, wandb or trackio. Repeatable.",
            metavar="NAME",
            show_default=False,
        ),
    ],
) -> int:
    """Log a run: the settings, the spec, the figures of each epoch, the curves as a picture, the exported model.

    Each of these programs is an extra, such as `pip install "specc-cnn[tensorboard]"`, and is set up by its own
    variables: MLFLOW_TRACKING_URI, WANDB_PROJECT, WANDB_MODE, TRACKIO_SPACE_ID. TensorBoard's files lie in the run and
    are replaced; the others get a new run each time. Without a login, Weights & Biases is kept offline. While a run is
    trained, `specc train --log` does the same.

    Examples:

      specc log runs/Digits-1 --to tensorboard
    """
    from specc.backend.sinks.sink import KINDS, need, open_sink
    from specc.backend.sinks.whole import about_run, tell_all

    names = list(dict.fromkeys(to))
    about = about_run(run)
    for name in names:
        need(name)
    for name in names:
        try:
            sink = open_sink(name, about)
            tell_all(sink, run)
            sink.close(finished=True)
        except SpeccError:
            raise
        except Exception as error:
            words = " ".join(str(error).split())
            message = f"{KINDS[name].title} cannot be told of the run: {type(error).__name__}: {words}"
            raise SpeccError("E535", clean(message), help="check its settings and its connection") from error
        print(f"{KINDS[name].title}: {clean(sink.where)}")
    return 0
