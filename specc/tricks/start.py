"""The weights that a training begins with, where they are not drawn."""

from specc.diagnostics import nearest
from specc.values import Args
from specc.vocabulary.family import Start
from specc.vocabulary.kinds import Bool, FilePath, Maybe, Text
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.zoo.weights import published

HEX = frozenset("0123456789abcdef")
DIGITS = 64  # of a SHA-256


def _check_hash(a: Args) -> None:
    if a.sha256 is not None and (len(a.sha256) != DIGITS or not set(a.sha256) <= HEX):
        message = f"`sha256` must be {DIGITS} hexadecimal digits in lower case, found {len(a.sha256)} characters"
        raise Problem("E216", message, param="sha256", help="run `sha256sum FILE`, or remove it")


def _check_pretrained(a: Args) -> None:
    _check_hash(a)
    if a.name not in published():
        help = (
            nearest(a.name, published()) or 'run `specc zoo` to see them, or name a file: weights("FILE.safetensors")'
        )
        raise Problem("E216", f'no weights are published as "{a.name}"', param="name", help=help)


_SHA256 = Param("sha256", Maybe(Text("9f86d081…")), None, "what the file's SHA-256 has to be")

COMPONENTS = (
    Start(
        "pretrained",
        "Weights that were published for a network of the zoo. They are downloaded once, and kept in the user's cache.",
        (Param("name", Text("timm/resnet50.a1_in1k"), doc="their name, as `specc zoo` lists it"), _SHA256),
        check=_check_pretrained,
        example='pretrained("timm/resnet50.a1_in1k")',
    ),
    Start(
        "weights",
        "The best weights of a run, or a safetensors file. Tensors are matched by name. The head is replaced where the "
        "classes are others; a tensor of the file that the network has no place for is an error.",
        (
            Param("path", FilePath("runs/Digits-1"), doc="the run's folder or the file; relative to the spec's folder"),
            Param("skip_unused", Bool(), False, "leave out tensors that the network has no place for, and name them"),
            _SHA256,
        ),
        check=_check_hash,
        example='weights("runs/Digits-1")',
    ),
)
