"""`specc new`: a commented starter spec."""

import re
from pathlib import Path
from typing import Annotated

import typer

from specc.errors import SpeccError, clean

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
    name: Annotated[str, typer.Argument(help="The name of the network and of its file.")] = "net",
) -> None:
    """Create a commented starter spec, NAME.cnn, that is ready to check and train.

    Example:

      specc new first
      specc check first.cnn
      specc train first.cnn
    """
    path = Path(name.removesuffix(".cnn") + ".cnn")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", path.stem):
        raise SpeccError(
            "E476",
            f"`{path.stem}` is not a valid name for a network",
            help="a name starts with a letter and contains letters, digits, `_` and `-`",
        )
    text = STARTER.format(name=_camel(path.stem), file=clean(str(path)))
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise SpeccError(
            "E480",
            f"`{path}` already exists",
            help=f"choose another name, as in `specc new {path.stem}2`",
        ) from error
    except OSError as error:
        help = "check the permissions" if path.parent.is_dir() else f"folder `{path.parent}` does not exist"
        raise SpeccError("E481", f"`{path}` cannot be written: {error.strerror}", help=help) from error
    shown = clean(str(path))
    print(f"wrote {shown}\n\nnext:\n  specc check {shown}\n  specc show {shown}\n  specc train {shown}")


def _camel(stem: str) -> str:
    """`my_net` is `MyNet`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]+", stem))
