"""What the shell completes, and what the help calls the values of options: by the names of parameters, in one place.

It loads no torch and never complains.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

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

    given = [context.params.get("file"), context.params.get("a"), *context.args]  # an option that lacks its value
    flat = [one for value in given for one in (value if isinstance(value, list | tuple) else [value]) if one]
    with suppress(SpeccError, OSError):
        if flat:
            known = variants_of(read_source(Path(flat[0])), load_base)
            return [name for name in known if name.startswith(incomplete)]
    return []


def words(incomplete: str) -> list[str]:
    """Layers and the other words of `specc ops`."""
    from specc.ops import OPS
    from specc.tricks import COMPONENTS

    known = [*OPS, *(name for family in COMPONENTS.values() for name in family)]
    return sorted({name for name in known if name.startswith(incomplete)})


def codes(incomplete: str) -> list[str]:
    """The codes that `specc explain` explains."""
    from specc.report.pages import pages

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


def devices(incomplete: str) -> list[str]:
    return [name for name in ("auto", "cpu", "cuda", "cuda:0", "mps") if name.startswith(incomplete)]


COMPLETED: dict[str, Callable[..., list[str]]] = {
    "code": codes,
    "device": devices,
    "logs": sinks,
    "resume": runs,
    "run": runs,
    "runs": runs,
    "sets": settings,
    "start_from": runs,
    "to": sinks,
    "variant": variants,
    "variants": variants,
    "ops name": words,
    "zoo name": zoo,
    "import like": zoo,
    "new like": zoo,
    "predict model": runs,
}
METAVARS = {"device": "DEVICE", "variant": "VARIANT", "out": "FILE", "data_dir": "FOLDER", "resume": "RUN"}
OF_TYPE = {"int": "N", "int range": "N", "float": "X", "float range": "X", "path": "PATH", "str": "NAME"}


def dress(command: str, parameter: Any) -> None:
    """Give a parameter of a command its completion, and its value a name in capitals where it has none."""
    name = parameter.name or ""
    known = COMPLETED.get(f"{command} {name}") or COMPLETED.get(name)
    if known is not None:
        parameter._custom_shell_complete = partial(_complete, known)  # noqa: SLF001 - where Typer looks for it
    takes_value = parameter.param_type_name == "option" and not parameter.is_flag
    if takes_value and parameter.metavar is None:
        parameter.metavar = METAVARS.get(name) or OF_TYPE.get(parameter.type.name)


def _complete(known: Callable[..., list[str]], context: Any, parameter: Any, incomplete: str) -> list[str]:
    """Ask what completes a value, as Typer expects it. Whatever fails completes nothing: a shell is waiting."""
    with suppress(Exception):
        return known(context, incomplete) if known is variants else known(incomplete)
    return []
