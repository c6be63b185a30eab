"""An exported file as bytes: its metadata, how it is sealed, and how it is read. No torch here.

The certificate is the last entry of the metadata, and with it the last bytes of the file: a protocol buffer may be
written in pieces that follow one another. So `model_sha256` in the certificate is the hash of all bytes before it, and
a file of which anything was changed afterwards shows it. Weights in a file beside it have their hash in there, too.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from specc.errors import SpeccError
from specc.files import open_file, parse_json, read_file, reason, refuse_bytes, size_of
from specc.tasks import CLASSIFICATION, TASKS, Task
from specc.tricks.resize import Fit, Resize
from specc.values import Size

VERSION, NETWORK, SPEC, SPEC_SHA256 = "specc.version", "specc.network", "specc.spec", "specc.spec_sha256"
CLASSES, INPUT, OUTPUT, DATA_SHA256 = "specc.classes", "specc.input", "specc.output", "specc.data_sha256"
TASK, CERTIFICATE = "specc.task", "specc.certificate"
GRAPH = "specc.graph"  # in place of classes, input and output in the graph of a spec that nobody trained

LONGEST = 1 << 14  # pixels of a side that a network can be meant to take
LARGEST = 2**31 - 2**20  # bytes; a protocol buffer ends at 2 GiB
MOST_BYTES = 1 << 31  # of a file with its certificate


class ModelFile(NamedTuple):
    """An exported file that was read and whose form is sound.

    content: its bytes. metadata: all of it. certificate: as a dictionary; None in a file that is not sealed.
    task: what it was trained for; a file that does not say so is a classifier. classes: the names of its outputs:
    classes, tags or numbers. channels, size: of the images that it takes; `size` is None where the graph resizes them
    itself, as `resizing` says. range: the values of 16-bit image files that become 0 and 255 in them; None: 0 and
    65,535. output: "probabilities", "logits", "numbers" or "classes". activation: "softmax" or "sigmoid", which turns
    logits into probabilities; "" where there are none. shape: of the output for an image.
    beside: the names of the files that it takes weights from.
    """

    path: Path
    content: bytes
    metadata: dict[str, str]
    certificate: dict[str, Any] | None
    task: Task
    classes: list[str]
    channels: int
    size: Size | None
    resizing: Resize | None
    range: tuple[int, int] | None
    output: str
    activation: str
    shape: tuple[int, ...]
    beside: frozenset[str]

    @property
    def untouched(self) -> bool:
        """Whether the file, and the one that holds its weights, are byte for byte what was certified."""
        if self.certificate is None:
            return False
        body = self.content.removesuffix(_tail(self.metadata[CERTIFICATE]))
        return sha256(body) == self.certificate.get("model_sha256") and self._weights_untouched(self.certificate)

    def _weights_untouched(self, certificate: dict[str, Any]) -> bool:
        certified = certificate.get("weights_file") or {}
        if not isinstance(certified, dict) or list(self.beside) != [name for name in [certified.get("name")] if name]:
            return False
        files = [self.path.with_name(name) for name in self.beside]
        return all(
            size_of(file) == certified.get("bytes") and file_sha256(file) == certified.get("sha256") for file in files
        )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """The hash of a plain file that may be larger than memory. Raises OSError where it cannot be read."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(body: bytes, certificate: str) -> bytes:
    """The bytes of an exported file with its certificate as the last of them."""
    return body + _tail(certificate)


def _tail(certificate: str) -> bytes:
    entry = onnx.StringStringEntryProto(key=CERTIFICATE, value=certificate)
    return bytes(onnx.ModelProto(metadata_props=[entry]).SerializeToString())


def read_model(path: Path) -> ModelFile:
    """An ONNX file that specc wrote.

    Raises SpeccError: E450 it cannot be read, E451 it is not a whole ONNX file, E452 it is somebody else's, E453 it
    takes weights from outside its folder, E469 its path is no text.
    """
    refuse_bytes(path)
    try:
        size = size_of(path)
        if size > MOST_BYTES:
            raise _not_whole(path, f"has {size:,} bytes; an ONNX file can have at most 2 GiB")
        content = read_file(path, MOST_BYTES)
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {reason(error)}"
        raise SpeccError("E450", f"{path} {why}", help="give an .onnx file that `specc export` wrote") from None
    try:
        model = onnx.load_from_string(content)
    except DecodeError:
        raise _not_whole(path, _state(content)) from None
    if not model.graph.node or not model.graph.input or not model.graph.output:
        raise _not_whole(path, _state(content))
    beside = external_files(model, path.parent)
    try:
        return _described(path, content, {entry.key: entry.value for entry in model.metadata_props}, beside)
    except (KeyError, TypeError, ValueError, OverflowError):
        if any(entry.key == GRAPH for entry in model.metadata_props):
            help = "train it, and export the run: specc export RUN"
            message = f"{path} is a spec's graph with untrained weights: it has no classes and no preprocessing"
            raise SpeccError("E452", message, help=help, status=1) from None
        if model.producer_name == "specc":
            raise _not_whole(path, _state(content)) from None
        raise SpeccError(
            "E452",
            f"{path} was not written by specc: its metadata names neither its images nor its classes",
            help="`specc export RUN` writes files whose metadata do",
            status=1,
        ) from None


def _described(path: Path, content: bytes, metadata: dict[str, str], beside: frozenset[str]) -> ModelFile:
    """A file as its metadata describes it. Raises KeyError, TypeError or ValueError where they do not."""
    takes, gives = parse_json(metadata[INPUT]), parse_json(metadata[OUTPUT])
    classes, certificate = parse_json(metadata[CLASSES]), parse_json(metadata.get(CERTIFICATE, "null"))
    size = Size(*map(int, takes["size"])) if takes["size"] else None
    named = isinstance(classes, list) and all(isinstance(name, str) for name in classes)
    if not named or not isinstance(certificate, dict | None) or (size and not 0 < min(size) <= max(size) <= LONGEST):
        raise ValueError
    task, channels = TASKS[metadata.get(TASK, CLASSIFICATION.name)], int(takes["channels"])
    output, activation = gives["name"], gives["activation"]
    shape = tuple(map(int, gives.get("shape", [len(classes)])))
    if output not in task.exports or (output != "classes" and shape[:1] != (len(classes),)):
        raise ValueError
    if len(shape) != 1 + 2 * task.per_pixel - (output == "classes"):
        raise ValueError
    own = (task, classes, channels, size, _resizing(takes), _range(takes), output, activation, shape)
    return ModelFile(path, content, metadata, certificate, *own, beside)


def _resizing(takes: dict[str, Any]) -> Resize | None:
    """How the graph resizes images, as far as that says where each pixel goes; None where it does not."""
    if "resized" not in takes:
        return None
    to, fit = Size(*map(int, takes["resized"]["to"])), takes["resized"]["fit"]
    if fit not in get_args(Fit) or not 0 < min(to) <= max(to) <= LONGEST:
        raise ValueError
    return Resize(to, fit)


def _range(takes: dict[str, Any]) -> tuple[int, int] | None:
    if "range" not in takes:
        return None
    low, high = map(int, takes["range"])
    if not 0 <= low < high < 1 << 16:
        raise ValueError
    return low, high


def _state(content: bytes) -> str:
    return "is not an ONNX file, or is damaged" if content else "is empty"


def _not_whole(path: Path, state: str) -> SpeccError:
    return SpeccError("E451", f"{path} {state}", help="export it again: specc export RUN", status=1)


def external_files(model: onnx.ModelProto, folder: Path) -> frozenset[str]:
    """The names of the files in `folder` that hold weights of a model. None of them is opened.

    Raises SpeccError E453 if a tensor's data lies anywhere but in a file in `folder` itself.
    """
    found = set()
    for tensor in _tensors(model):
        if not uses_external_data(tensor):
            continue
        location = ExternalDataInfo(tensor).location
        inside = _is_inside(location, folder)
        if not inside or not (folder / location).is_file():
            raise SpeccError(
                "E453",
                f"the weights of `{tensor.name}` are in {location!r}, "
                + ("which is not there" if inside else "outside the model's folder"),
                help="only files beside the model are read; get the model from where it was exported",
                status=1,
            )
        found.add(location)
    return frozenset(found)


def _is_inside(location: str, folder: Path) -> bool:
    """Whether a place names a file of a folder, which is no link to somewhere else."""
    try:
        target = (folder / location).resolve()
    except (OSError, RuntimeError, ValueError):  # links that lead to one another, a name that no system takes
        return False
    return target.parent == folder.resolve() and location == target.name


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a model: of its graph, of its nodes' attributes, and of the graphs and functions inside."""
    graphs = [model.graph, *(info.algorithm for info in model.training_info)]
    nodes = [node for function in model.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes.extend(graph.node)
            continue
        for attribute in nodes.pop().attribute:
            yield from (attribute.t, *attribute.tensors)
            graphs.extend((attribute.g, *attribute.graphs))
