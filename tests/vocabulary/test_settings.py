"""Typed sections: what a class declares, and what its values can and cannot do."""

from copy import deepcopy
from typing import get_type_hints

import pytest

from specc.tricks.sections import SECTIONS, DataSettings, ExportSettings, TrainSettings
from specc.values import Args, Bound
from specc.vocabulary.kinds import POSITIVE
from specc.vocabulary.param import REQUIRED
from specc.vocabulary.settings import Settings, setting

CLASSES = {"data": DataSettings, "train": TrainSettings, "export": ExportSettings}
DIGITS = Bound("digits", Args())


class Tiny(Settings):
    """Two settings, one of which must be given."""

    rate: float = setting(POSITIVE, "how fast", default=REQUIRED)
    limit: float | None = setting(POSITIVE, "how far", default=None)


@pytest.mark.parametrize("section", SECTIONS)
def test_classes_and_sections_agree(section: str) -> None:
    kind = CLASSES[section]
    names = [param.name for param in SECTIONS[section]]
    declared = list(kind.__annotations__)
    assert declared == names and all(param.doc for param in SECTIONS[section])
    given = {"source": DIGITS} if section == "data" else {}
    assert list(kind(**given).as_dict()) == names == list(vars(kind(**given)))


@pytest.mark.parametrize(("section", "kind"), CLASSES.items())
def test_defaults_are_of_the_annotated_types(section: str, kind: type[Settings]) -> None:
    """The checker of types sees it, too; this finds a value that is annotated as Any on its way."""
    hints = get_type_hints(kind)
    for param in SECTIONS[section]:
        if param.default is None:
            assert type(None) in hints[param.name].__args__, param.name
        elif param.name in ("precision", "output"):
            assert hints[param.name].__args__ == param.kind.symbols


def test_values_are_those_given_and_else_the_defaults() -> None:
    tiny = Tiny(rate=0.5)
    assert (tiny.rate, tiny.limit) == (0.5, None)
    assert tiny.as_dict() == {"rate": 0.5, "limit": None}
    assert repr(Tiny(limit=2.0, rate=0.5)) == repr(Args(rate=0.5, limit=2.0)) == "rate=0.5, limit=2.0"


def test_equal_where_all_values_and_the_section_are() -> None:
    assert Tiny(rate=0.5) == Tiny(limit=None, rate=0.5) == deepcopy(Tiny(rate=0.5))
    assert Tiny(rate=0.5) != Tiny(rate=0.25)
    assert TrainSettings() != ExportSettings() and Tiny(rate=0.5) != Args(rate=0.5, limit=None)


def test_a_changed_copy_leaves_the_original_as_it_is() -> None:
    tiny = Tiny(rate=0.5, limit=1.0)
    changed = tiny.replace(rate=0.25)
    assert (changed.rate, changed.limit, tiny.rate) == (0.25, 1.0, 0.5)
    assert type(changed) is Tiny and TrainSettings().replace() == TrainSettings()


def test_unknown_and_missing_settings_are_refused() -> None:
    with pytest.raises(TypeError, match="unknown \\['speed'\\]"):
        Tiny(rate=0.5, speed=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing \\['rate'\\]"):
        Tiny()
    with pytest.raises(TypeError, match="unknown \\['batchs'\\]"):
        TrainSettings().replace(batchs=3)  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="batchs"):
        TrainSettings().batchs  # type: ignore[attr-defined]  # noqa: B018


def test_values_cannot_be_changed() -> None:
    tiny = Tiny(rate=0.5)
    with pytest.raises(AttributeError, match="immutable"):
        tiny.rate = 1.0  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        del tiny.rate
    assert tiny.rate == 0.5 and not hasattr(Tiny, "rate")
