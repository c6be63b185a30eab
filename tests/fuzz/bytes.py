"""Coverage-guided fuzzing of the checker with atheris: `make fuzz`, or `python tests/fuzz/bytes.py -runs=70000 FOLDER`.

libFuzzer mutates small specs byte by byte, those of the pages and the lints' examples, and keeps what reaches new code.
An exception, or an input that takes more than two seconds, stops it and is written to a file: put it into
tests/check/regressions.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["specc.syntax", "specc.check"]):
    from specc.check import check
    from specc.render import render
    from specc.source import Source

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.helpers.mutated_specs import small_specs

REGRESSIONS = Path(__file__).parents[1] / "check" / "regressions"
LONGEST = 250  # bytes: what a page shows of a problem has 130, and a check of it takes a few milliseconds


def seeds() -> list[bytes]:
    """Small specs in which each diagnostic occurs, and those that once went wrong."""
    kept = [file.read_text() for file in REGRESSIONS.glob("*.cnn")]
    texts = [*small_specs(), *kept]
    return sorted({text.encode() for text in texts if len(text) <= LONGEST})


def one(data: bytes) -> None:
    """Check a text, and print what is found."""
    for problem in check(Source("net.cnn", data.decode("utf-8", "replace"))).diagnostics:
        render(problem)


if __name__ == "__main__":
    with TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()):
            (Path(corpus) / f"{number}.cnn").write_bytes(seed)
        atheris.Setup([sys.argv[0], "-timeout=2", f"-max_len={LONGEST}", *sys.argv[1:], corpus], one)
        atheris.Fuzz()
