"""Messages count in words that fit the number: `1 image`, never `1 images`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import specc
from specc.errors import counted

ROOT = Path(specc.__file__).parent
NOUNS = (
    "images", "classes", "tags", "masks", "rows", "labels", "samples", "files", "epochs", "folds", "groups", "tensors",
)  # fmt: skip
COUNTED = re.compile(rf"^ (?:(?:training|validation|test|different) )?(?:{'|'.join(NOUNS)})\b")
# What is no count that may be 1: names, speeds, and numbers of which there are two at least.
ALLOWED = {
    "channels", "' / '.join((part for part, _ in parts))", "WORD_OF[part]", "WORDS[name]", "clean(str(folder))",
    "clean(str(masks.root))",
    "divided", "have",
    "folder", "folder or images", "folds", "images['train'] + images['validation']", "labels.shape[1]",
    "len(classes)", "len(names)", "line['images_per_second']", "masks", "name", "names[one]", "names[other]", "path",
    "plural", "shown", "size", "speed", "task.facts.outputs", "what", "whole",
}  # fmt: skip


def plain_counts(text: str) -> Iterator[tuple[int, str]]:
    """Numbers in f-strings that stand before one of the nouns, with their lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            for value, after in zip(node.values, node.values[1:], strict=False):
                if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
                    continue
                if COUNTED.match(str(after.value)):
                    yield value.lineno, ast.unparse(value.value)


def test_counts_are_written_by_one_helper() -> None:
    assert [counted(n, "image") for n in (0, 1, 2, 1000)] == ["0 images", "1 image", "2 images", "1,000 images"]
    assert [counted(n, "class") for n in (1, 2)] == ["1 class", "2 classes"]
    assert [counted(2.5, noun) for noun in ("epoch", "batch")] == ["2.5 epochs", "2.5 batches"]
    assert list(plain_counts('f"{n} training images"')) == [(1, "n")]


@pytest.mark.parametrize("floor", sorted(path.name for path in ROOT.iterdir() if path.suffix in ("", ".py")))
def test_no_message_has_a_plural_that_one_does_not_fit(floor: str) -> None:
    path = ROOT / floor
    odd = [
        f"{file.relative_to(ROOT)}:{line}: {value}"
        for file in ([path] if path.is_file() else path.rglob("*.py"))
        for line, value in plain_counts(file.read_text())
        if value not in ALLOWED and not value.isupper()
    ]
    assert odd == []


def test_extras_are_quoted_for_shells_that_expand_brackets() -> None:
    texts = [*ROOT.rglob("*.py"), *ROOT.glob("pages/*.md"), *ROOT.parent.glob("docs/*.md"), ROOT.parent / "README.md"]
    bare = [path.name for path in texts if "install specc-cnn[" in path.read_text(encoding="utf-8")]
    assert len(texts) > 500 and not bare
