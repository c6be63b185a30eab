"""The examples in docs/python.md run, in order, on the page's own spec; and the page names all that is public."""

import re
from pathlib import Path

import pytest
from PIL import Image

import specc

PAGE = (Path(__file__).parent.parent / "docs" / "python.md").read_text(encoding="utf-8")


def test_its_examples_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = re.findall(r"```cnn\n(.*?)```", PAGE, re.DOTALL)
    Path("net.cnn").write_text(text)
    assert not specc.load("net.cnn").problems
    Image.new("L", (8, 8), 90).save("photo.png")
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) >= 10
    names: dict[str, object] = {}
    for number, example in enumerate(examples, start=1):
        exec(compile(example, f"docs/python.md, example {number}", "exec"), names)  # noqa: S102 - text of this repository
    assert Path("runs/first/model.onnx").exists() and not Path("runs/wide/model.onnx").exists()
    assert Path("mine.pt").exists()


def test_its_lightning_module_is_that_of_the_example(examples: Path) -> None:
    (shown,) = re.findall(r"```py\n(class Classifier.*?)```", PAGE, re.DOTALL)
    example = (examples / "lightning_module.py").read_text().splitlines()
    assert [line for line in shown.splitlines() if line not in example] == []


def test_it_names_all_that_is_public() -> None:
    names = [
        f"specc.{name}" for name in vars(specc)["__all__"] if name not in ("Problem", "Run", "Spec", "Study", "Table")
    ]
    for kind in (specc.Spec, specc.Run, specc.Callback, specc.Study, specc.Table):
        names += [name for name in vars(kind) if not name.startswith("_")]
    names.remove("refuse_errors")  # of use to specc itself
    names += specc.Problem._fields
    assert [name for name in names if name not in PAGE] == []
