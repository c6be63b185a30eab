"""`specc new`: a commented starter spec."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.cli.common import print_json
from specc.cli.options import given, only_one, refuse_with
from specc.errors import SpeccError, clean
from specc.files import unwritable
from specc.reading import load_base
from specc.source import Source

if TYPE_CHECKING:
    from specc.backend.starter.request import Request

STARTER = """\
# {name}: a small network for 8 x 8 images of handwritten digits, which are installed with specc's dependencies.
# `specc check {file}` reports its problems; `specc show {file}` prints its layers, shapes and weights.

data {{
  source    = digits    # `specc ops source` lists the others: cifar10, folder("path"), …
  normalize = standard  # mean 0, standard deviation 1; also inside the exported model
  augment   = shift(1)  # random augmentation, in training only
}}

# A block is a reusable part of a network; call it as often as you like.
block unit(filters, act=relu) {{
  conv(filters, 3x3) -> batch_norm -> act
}}

# A network's parameters can be changed per run: `specc train {file} --set network.width=64`.
network {name}(width=32) {{
  unit(width)
  residual {{ unit(width) -> conv(width) -> batch_norm }}
  relu -> max_pool(2)
  unit(2 * width)
  global_avg_pool -> dropout(20%)
  dense(10)  # one output per digit
}}

train {{
  epochs    = 10
  batch     = 64
  optimizer = adam(lr=2e-3)
  schedule  = warmup(1) -> cosine  # lengths in epochs; the last part takes the rest
  loss      = cross_entropy(smoothing=0.05)
}}

export {{
  output = probabilities  # or logits
}}

# A variant is the same file with different settings: `specc train {file} --variant wide`.
variant wide {{ network.width = 64; train.epochs = 20 }}
"""


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the network and of its file.")] = "net",
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Look at a folder of class folders, a CSV or Parquet file, an .npz file, or a folder with images and "
            "masks, and write a spec that fits.",
            show_default=False,
        ),
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="The masks of the images in --data.", show_default=False),
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column with the image files.", show_default=False)
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column with a class for each image.", show_default=False)
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMNS", help="The columns of 0 and 1, or the one column, with tags: A,B,C.", show_default=False
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMNS", help="The columns with numbers to predict: X,Y.", show_default=False),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="ZOO", help="Begin from the trained weights of this spec of the zoo.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> None:
    """Create a commented starter spec, NAME.cnn, that is ready to check and train.

    With `--data` the spec is for your own images: it says what was seen there and why each setting is what it is.

    Examples:

      specc new first
      specc check first.cnn
      specc train first.cnn
      specc new flowers --data flowers
      specc new birds --data birds.csv --label species
      specc new tissue --data tissue/images --masks tissue/masks
    """
    path = Path(name.removesuffix(".cnn") + ".cnn")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", path.stem):
        raise SpeccError(
            "E476",
            f"`{path.stem}` is not a valid name for a network",
            help="a name starts with a letter and contains letters, digits, `_` and `-`",
        )
    names = given(context)
    lone = next((option for option in names if option not in ("NAME", "--data", "--json")), None)
    if data is None and lone is not None:
        raise SpeccError("E475", f"{lone} only works with --data", help=f"specc new {path.stem} --data PATH {lone} …")
    only_one(names, ("--label", "--labels", "--target"), "a network learns one task")
    refuse_with(names, "--masks", ("--image", "--label", "--labels", "--target"), "gives what is to be learned")
    facts: dict[str, Any] = {}
    if data is None:
        text = STARTER.format(name=_camel(path.stem), file=clean(str(path)))
    else:
        _refuse_existing(path)
        from specc.backend.starter.request import Request

        columns = (image, label, _listed(labels), _listed(target))
        text, facts = _for_data(Request(_camel(path.stem), str(path), str(path.parent), data, masks, *columns, like))
    _write(path, text)
    if json:
        print_json({"file": str(path), **facts})
        return
    shown = clean(str(path))
    print(f"wrote {shown}\n\nnext:\n  specc check {shown}\n  specc show {shown}\n  specc train {shown}")


def _for_data(request: "Request") -> tuple[str, dict[str, Any]]:
    """A spec for data, and what was seen of them, which is said on standard error."""
    from specc.backend.starter.draft import draft
    from specc.check import check
    from specc.syntax.format import format_source

    drafted = draft(request)
    print("\n".join(drafted.saw), file=sys.stderr)
    source = Source(request.file, drafted.text)
    checked = check(source, load=load_base)
    if checked.errors:
        first = checked.errors[0]
        raise SpeccError(first.code, first.message, help=first.help)
    formatted = format_source(source).text
    assert formatted is not None
    return formatted, drafted.facts


def _listed(columns: str | None) -> tuple[str, ...]:
    """The names in `A,B,C`."""
    return tuple(name for part in (columns or "").split(",") if (name := part.strip()))


def _write(path: Path, text: str) -> None:
    """Write a new spec. Raises SpeccError: E480 there is one, E481 it cannot be written."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise unwritable(path, error) from error


def _refuse_existing(path: Path) -> None:
    """Raise what `_write` would raise, before anything is looked at."""
    if path.exists():
        raise _exists(path)
    if not path.parent.is_dir():
        message = f"`{path}` cannot be written: folder `{path.parent}` does not exist"
        raise SpeccError("E481", message, help="create the folder, or choose another")


def _exists(path: Path) -> SpeccError:
    help = f"choose another name, as in `specc new {path.stem}2`"
    return SpeccError("E480", f"`{path}` already exists", help=help)


def _camel(stem: str) -> str:
    """`my_net` is `MyNet`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]+", stem))
