"""What the shell completes: variants, layers, codes, runs, settings, sinks. It loads no torch and never complains."""

from contextlib import suppress
from pathlib import Path

import typer

from specc.errors import SpeccError

RUN = "run.json"
SINKS = ("tensorboard", "mlflow", "wandb", "trackio")


def sinks(incomplete: str) -> list[str]:
    return [name for name in SINKS if name.startswith(incomplete)]


def variants(context: typer.Context, incomplete: str) -> list[str]:
    """The variants of the spec on the command line."""
    from specc.check.variants import variants_of
    from specc.reading import load_base, read_source

    file = context.params.get("file") or context.params.get("a")
    with suppress(SpeccError, OSError):
        if file:
            first = file[0] if isinstance(file, list) else file
            return [name for name in variants_of(read_source(Path(first)), load_base) if name.startswith(incomplete)]
    return []


def words(incomplete: str) -> list[str]:
    """Layers and the other words of `specc ops`."""
    from specc.ops import OPS
    from specc.tricks import COMPONENTS

    known = [*OPS, *(name for family in COMPONENTS.values() for name in family)]
    return sorted({name for name in known if name.startswith(incomplete)})


def codes(incomplete: str) -> list[str]:
    """The codes that `specc explain` explains."""
    from specc.cli.explain import pages

    return sorted(code for code in pages() if code.startswith(incomplete.upper()))


def zoo(incomplete: str) -> list[str]:
    """The published networks."""
    from specc.zoo import models

    return sorted(name for name in models() if name.startswith(incomplete))


def runs(incomplete: str) -> list[str]:
    """The folders of runs that begin with what is written, or lie one floor below it."""
    start = incomplete or "runs/"
    folder = Path(start) if start.endswith("/") else Path(start).parent
    with suppress(OSError):
        places = sorted(path for path in folder.iterdir() if path.is_dir() and _leads_to_a_run(path))
        return [str(path) for path in places if str(path).startswith(start)]
    return []


def _leads_to_a_run(path: Path) -> bool:
    return (path / RUN).exists() or next(path.glob(f"*/{RUN}"), None) is not None


def settings(incomplete: str) -> list[str]:
    """The paths of settings, which `--set` takes before the `=`."""
    from specc.tricks.sections import SECTIONS

    if "=" in incomplete:
        return []
    paths = (f"{section}.{param.name}=" for section, params in SECTIONS.items() for param in params)
    return sorted(path for path in paths if path.startswith(incomplete))
