"""The look of all pictures, and how they are saved."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from specc.backend.pictures.style import logarithmic, look, save
from specc.errors import SpeccError


def draw(path: Path) -> list[Path]:
    with look():
        figure = Figure(figsize=(3, 2))
        axes = figure.subplots()
        axes.plot([1, 2], [1e-7, 1], label="costs $5 or ${x}")
        axes.legend()
        logarithmic(axes)
        return save(figure, path)


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "a"), draw(tmp_path / "b")
    assert [path.name for path in first] == ["a.svg", "a.png"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].read_bytes().startswith(b"<?xml") and first[1].read_bytes().startswith(b"\x89PNG")
    assert b"<dc:date>" not in first[0].read_bytes()


def test_one_suffix_gives_one_file_and_a_dotted_name_stays(tmp_path: Path) -> None:
    assert draw(tmp_path / "v1.2.PNG") == [tmp_path / "v1.2.PNG"]
    assert [path.name for path in tmp_path.iterdir()] == ["v1.2.PNG"]


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(SpeccError, match=r"not `a\.pdf`") as wrong:
        draw(tmp_path / "a.pdf")
    with pytest.raises(SpeccError, match="cannot be written") as nowhere:
        draw(tmp_path / "none" / "a.png")
    assert (wrong.value.code, nowhere.value.code) == ("E482", "E481")
    assert not list(tmp_path.iterdir())
