"""Coverage-guided fuzzing of the checker with atheris: `make fuzz`, or `python tests/fuzz/bytes.py -runs=70000 FOLDER`.

libFuzzer mutates the examples byte by byte and keeps what reaches new code. An exception, or an input that takes more
than two seconds, stops it and is written to a file.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["specc.syntax", "specc.check"]):
    from specc.check import check
    from specc.render import render
    from specc.source import Source

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ("digits.cnn", "deck_fashion.cnn", "unet.cnn", "vgg16_bn.cnn", "mobilenet_v2.cnn", "resnet20_cifar10.cnn")


def one(data: bytes) -> None:
    """Check a text as `specc check` does, and print what is found."""
    for problem in check(Source("net.cnn", data.decode("utf-8", "replace"))).diagnostics:
        render(problem)


if __name__ == "__main__":
    with TemporaryDirectory() as corpus:
        for name in SMALL:
            (Path(corpus) / name).write_bytes((EXAMPLES / name).read_bytes())
        atheris.Setup([sys.argv[0], "-timeout=2", "-max_len=1500", *sys.argv[1:], corpus], one)
        atheris.Fuzz()
