"""`specc import`: published weights as a safetensors file."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from specc.cli.common import print_json
from specc.errors import SpeccError, clean, counted

if TYPE_CHECKING:
    from specc.backend.run.imported import Imported, Rename

MOST_NAMED = 12  # things left out that are named; the rest are counted
FILE_HELP = "A file written by torch.save (.pth, .pt), or a safetensors file; or its https address."
UNKNOWN = "not a file that the zoo knows, and names and shapes cannot tell padding or eps: check where it comes from"
KEY_HELP = "Which dictionary of tensors to take, such as model_ema, where the file holds several; `.` is the outermost."


def import_weights(
    source: Annotated[str, typer.Argument(metavar="FILE", help=FILE_HELP, show_default=False)],
    zoo: Annotated[
        str | None, typer.Option("--as", metavar="ZOO", help="Rename the tensors for this spec of the zoo.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write. Default: FILE.safetensors, here.")] = None,
    key: Annotated[str | None, typer.Option(help=KEY_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Convert weights that PyTorch saved to safetensors, without running any code in the file.

    The file is read by a reader that knows tensors and plain values; anything else in it is refused by name. Without
    --as the tensors keep their names. What is downloaded stays in the user's cache; if its name ends in eight digits of
    its SHA-256, as PyTorch's do, they are verified.

    Example:

      specc import weights.pth --out weights.safetensors
    """
    from specc.backend.run.imported import SUFFIX
    from specc.backend.run.imported import import_weights as convert

    url = source if source.startswith(("https://", "http://")) else None
    name = Path(urlsplit(url).path if url else source)
    if name.suffix == SUFFIX:
        _refuse_safetensors(source, zoo, key)
    out = out or Path(f"{name.stem or 'weights'}{SUFFIX}")
    if out.suffix != SUFFIX:
        raise SpeccError("E475", f"--out {out} is not a safetensors file", help=f"end its name with {SUFFIX}")
    rename = _renaming(zoo, source)
    result = convert(_downloaded(url) if url else name, out, key=key, rename=rename, url=url)
    if json:
        print_json(_as_json(result))
    else:
        print(report(result))
    return 0


def _downloaded(url: str) -> Path:
    from specc.backend.run.published import named_hash, obtain_weights

    return obtain_weights(url, named_hash(url)).path


def _refuse_safetensors(file: str, zoo: str | None, key: str | None) -> None:
    """Raise SpeccError E475 where nothing would be done to a safetensors file, or nothing with an option."""
    if key is not None:
        raise SpeccError("E475", f"--key needs a file of torch.save; {file} is a safetensors file", help="remove --key")
    if zoo is None:
        raise SpeccError("E475", f"{file} is a safetensors file already", help="rename its tensors with --as ZOO")


def _renaming(zoo: str | None, place: str) -> "Rename":
    """What gives tensors the names of a spec of the zoo, or leaves them theirs."""
    from specc.backend.zoo_names import named, rename
    from specc.zoo import model_of

    return partial(named, place=place) if zoo is None else partial(rename, model=model_of(zoo), place=place)


def report(result: "Imported") -> str:
    """What was read and written, for a person."""
    weights, numbers = result.weights, result.numbers()
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in numbers.items())
    source = result.about["imported"]
    lines = [f"{result.out}: {counted(len(weights.tensors), 'tensor')}, {kinds}"]
    lines.append(f"  from {source.get('url', source['file'])}, SHA-256 {source['sha256']}")
    known = result.about.get("published_as")
    if "zoo" not in result.about and known:
        lines.append(f"  published as {known}")
    if "zoo" in result.about:
        fits = f"published as {known}" if known else UNKNOWN
        lines.append(f"  named as the layers of zoo:{result.about['zoo']}; {fits}")
    if "classes_of" in result.about:
        lines.append(f"  classes: taken for those of {result.about['classes_of']}, in its own order")
    if weights.key:
        lines.append(f"  taken: `{weights.key}`")
    if weights.wrappers:
        lines.append(f"  without `{weights.wrappers}` before each name")
    if weights.left:
        more = f", and {len(weights.left) - MOST_NAMED:,} more" if len(weights.left) > MOST_NAMED else ""
        lines.append(f"  left out: {', '.join(weights.left[:MOST_NAMED])}{more}")
    return "\n".join(map(clean, lines))


def _as_json(result: "Imported") -> dict[str, object]:
    weights = result.weights
    return {
        "file": str(result.out),
        "source": result.about["imported"],
        "tensors": len(weights.tensors),
        "numbers": result.numbers(),
        "key": weights.key,
        "removed_prefix": weights.wrappers,
        "left_out": list(weights.left),
    }
