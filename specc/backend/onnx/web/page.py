"""An exported network as one HTML page, with all that it needs inside, which works from the disk without any network.

The page decodes and resizes an image as `specc predict` does; everything after that is in the exported graph.
"""

import base64
import gzip
import hashlib
import json
import re
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from specc import __version__
from specc.backend.evaluation.figures import Estimate
from specc.backend.evaluation.intervals import Interval
from specc.backend.images import LONGEST, MODES, MOST_BYTES, MOST_PIXELS
from specc.backend.onnx.model_file import ModelFile, read_model
from specc.backend.onnx.web.runtime import VERSION, Runtime
from specc.backend.resizing import TIE
from specc.errors import SpeccError, clean, counted
from specc.files import write_atomic
from specc.report.outputs import what_it_does
from specc.tasks import Figure, Task

SCRIPTS = ("images.js", "png.js", "answers.js", "page.js")
LARGEST = 1 << 28  # bytes of a model; browsers hold a text of at most 512 MB


def write_page(path: Path, model: Path, runtime: Runtime) -> Path:
    """Write the page of an exported file to `path`; gives it back.

    Raises SpeccError: E450 and on where the file cannot be read, E464 no page can be made of it, E481 the page cannot
    be written.
    """
    content = page(read_model(model), runtime)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content.encode())
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose another place with --out") from None
    return path


def page(file: ModelFile, runtime: Runtime) -> str:
    """The page's text: the same for the same file and runtime. Raises SpeccError E464 where no page can be made."""
    _check(file)
    assert file.certificate is not None
    script = "\n".join(["", *(_part(name) for name in SCRIPTS)])
    facts = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(file.task, file.certificate)]
    style = _part("page.css")
    parts = {
        "policy": _policy(script, style),
        "version": escape(__version__),
        "network": escape(clean(file.certificate["network"])),
        "heading": file.task.outputs.capitalize(),
        "summary": escape(_summary(file, file.certificate)),
        "facts": "".join(facts),
        "runtime": VERSION,
        "license": escape(_part("license.txt")),
        "style": style,
        "script": script,
        "json": _json(file),
        "model": packed(file.content),
        "glue": packed(runtime.glue),
        "wasm": packed(runtime.wasm),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part("page.html"))


def packed(content: bytes) -> str:
    """Bytes as they stand in the page: gzip, base64."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _check(file: ModelFile) -> None:
    size = file.path.stat().st_size
    if file.beside:
        wrong = "its weights are in a file beside it"
    elif size > LARGEST:
        wrong = f"it has {size / 1e6:,.0f} MB; browsers hold at most {LARGEST / 1e6:,.0f}"
    elif file.channels not in MODES:
        wrong = f"it takes images of {file.channels} channels; an image file has 1 (gray) or 3 (RGB)"
    else:
        return
    help = "serve it instead: specc export RUN --for triton"
    raise SpeccError("E464", f"no web page can be made of {file.path}: {wrong}", help=help, status=1)


def _part(name: str) -> str:
    """A part of the page, as it lies in this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(script: str, style: str) -> str:
    """The Content-Security-Policy: this script and this style, what they make themselves, and no network at all."""
    sums = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    return (
        f"default-src 'none'; script-src 'sha256-{sums[0]}' 'wasm-unsafe-eval' blob:; style-src 'sha256-{sums[1]}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _json(file: ModelFile) -> str:
    """The facts that the script needs, as JSON that cannot end the element around it."""
    facts = {
        "outputs": file.task.outputs,
        "per_pixel": file.task.per_pixel,
        "classes": file.classes,
        "shape": file.shape,
        "channels": file.channels,
        "size": file.size,
        "resized": file.resizing and {"to": file.resizing.size, "fit": file.resizing.fit},
        "range": file.range,
        "output": file.output,
        "activation": file.activation,
        "limits": {"bytes": MOST_BYTES, "pixels": MOST_PIXELS, "side": LONGEST},
        "tie": TIE,
    }
    return json.dumps(facts).replace("<", "\\u003c")


def _summary(file: ModelFile, certificate: dict[str, Any]) -> str:
    images, does = certificate["validation_images"], what_it_does(file.task, len(file.classes))
    does = does[0].upper() + does[1:]
    figure = file.task.figure(certificate.get("figure", file.task.figures[0].name))
    text = f"{does}; {_figure(file, figure, _estimate(certificate, figure))} on {counted(images, 'validation image')}"
    if why := certificate.get("optimistic"):
        text += f": {why}"
    if test := certificate.get("test"):
        estimate = Estimate.of(test["figures"].get(figure.name))
        text += f". {_figure(file, figure, estimate)} on {counted(test['images'], 'test image')}, which chose nothing"
    return f"{text}. In parentheses: 95% intervals."


def _estimate(certificate: dict[str, Any], figure: Figure) -> Estimate:
    """The trained model's figure; earlier versions kept accuracy alone."""
    figures = certificate.get("figures") or {figure.name: certificate["correct"] / certificate["validation_images"]}
    interval = certificate.get("figure_interval")
    return Estimate(figures[figure.name], Interval(*interval) if interval else None)


def _figure(file: ModelFile, figure: Figure, estimate: Estimate) -> str:
    return f"{figure.title} {estimate.text(figure)}"


def _facts(task: Task, certificate: dict[str, Any]) -> list[tuple[str, str]]:
    """What the page tells about the model: names and values."""
    cpu = next(iter(certificate["providers"].values()))
    shared = [] if cpu["agreement"] is None else [(task.agreement.capitalize(), f"on {cpu['agreement']:.2%}")]
    return [
        (
            "Compared with PyTorch",
            f"largest difference {cpu['largest_difference']:.2g} on {counted(cpu['images'], 'image')}",
        ),
        *shared,
        ("Model, SHA-256", certificate["model_sha256"]),
        ("Weights, SHA-256", certificate["weights_sha256"]),
        ("Data, SHA-256", certificate["data_sha256"]),
        ("Spec, SHA-256", certificate["spec_sha256"]),
    ]
