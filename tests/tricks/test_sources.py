"""The vocabulary of data: what is known before a byte is read, and what is refused before it is."""

import pytest

from specc.backend.resolve import resolve
from specc.check import check
from specc.source import Source as Text
from specc.tricks import COMPONENTS
from specc.tricks.augment import augmented_size
from specc.values import Bound, Size
from specc.vocabulary.family import Source
from specc.vocabulary.problem import Problem
from specc.vocabulary.registry import component

FAMILIES = ("source", "resize", "normalize", "validation", "augment")
DATA = [trick for family in FAMILIES for trick in COMPONENTS[family].values()]


def checked(settings: str, network: str = "flatten -> dense(10)"):
    return check(Text("net.cnn", f"data {{ {settings} }}\nnetwork N {{ {network} }}"))


def errors(settings: str, network: str = "flatten -> dense(10)") -> dict[str, str]:
    return {error.code: f"{error.message}\n{error.help}" for error in checked(settings, network).errors}


@pytest.mark.parametrize("trick", DATA, ids=lambda trick: f"{trick.family}-{trick.name}")
def test_examples_are_accepted(trick) -> None:
    setting = "" if trick.family == "source" else "source = cifar10; "
    found = errors(f"{setting}{trick.family} = {trick.example}", "input(3, 32x32); flatten -> dense(10)")
    assert set(found) <= {"E306", "E307"}  # the data of an example need not fit this network
    assert trick.doc and all(param.doc or param.name == "size" or param.kind.symbols for param in trick.params)


@pytest.mark.parametrize(
    "trick",
    [word for words in COMPONENTS.values() for word in words.values() if hasattr(word, "target")],
    ids=lambda word: f"{word.family}-{word.name}",
)
def test_targets_are_there(trick) -> None:
    assert callable(resolve(trick.target))


def test_what_sources_are_known_to_hold() -> None:
    sources = {name: component(Source, name) for name in COMPONENTS["source"]}
    assert {name: source.shape for name, source in sources.items() if source.shape} == {
        "digits": (1, 8, 8),
        "mnist": (1, 28, 28),
        "fashion_mnist": (1, 28, 28),
        "cifar10": (3, 32, 32),
        "cifar100": (3, 32, 32),
    }
    assert {name: len(source.classes) for name, source in sources.items() if source.classes} == {
        "digits": 10,
        "mnist": 10,
        "fashion_mnist": 10,
        "cifar10": 10,
        "cifar100": 100,
    }
    assert {name: source.channels for name, source in sources.items() if source.shape is None} == {
        "folder": 3,
        "webdataset": 3,
        "npz": None,
    }


@pytest.mark.parametrize(
    "setting",
    [
        "source = cifar", 'source = folder', "source = folder(3)", "normalize = fixed(mean=[0.5], std=[0])",
        "normalize = fixed(mean=[0.5, 0.5], std=[1])", "normalize = standard(per=pixel)", "validation = split(0)",
        "validation = split(1.5)", "augment = flip(diagonal)", "augment = crop_and_resize(scale=(1, 0.5))",
        "augment = crop_and_resize(scale=(0.5, 2))", "augment = erase(0.5, ratio=(3, 1))", "augment = noise(-1)",
        "augment = noise(0.1, p=2)", "augment = hue(0.6)", "augment = rand_augment(2, 31)", "augment = mixup(0)",
        "augment = rotate(0)", "augment = maybe(0.5)", "augment = choose { | cutuot(3) }",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(setting: str) -> None:
    source = "" if setting.startswith("source") else "source = cifar10; "
    assert set(errors(source + setting, "input(3, 32x32); flatten -> dense(10)")) - {"E306", "E307"}


def tricks(text: str) -> tuple[Bound, ...]:
    found = checked(f'source = npz("a.npz"); augment = {text}', "input(3, 32x32); flatten -> dense(10)").data.augment
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("flip -> shift(3) -> noise(0.1)", Size(32, 24)),
        ("crop(28)", Size(28, 28)),
        ("crop(40x30, pad=4) -> crop(20)", Size(20, 20)),
        ("maybe { flip } -> choose { | crop(16) | crop(24) -> crop(16) }", Size(16, 16)),
        ("crop_and_resize -> rotate(3) -> rand_augment -> mixup", Size(32, 24)),
        ("crop_and_resize(size=20x18) -> rotate(3)", Size(20, 18)),
    ],
)
def test_the_size_after_augmentation(text: str, size: Size) -> None:
    given = Size(32, 40) if text.startswith("crop(28") else Size(32, 24)
    assert augmented_size(tricks(text), given, 3) == size


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("crop(33, pad=0)", "E303", "`crop` of 33x33 is larger than the images of 32x24"),
        ("crop(8) -> crop(16, pad=3)", "E303", "`crop` of 16x16 is larger than the images of 8x8 padded by 3"),
        ("shift(24, fill=reflect)", "E303", "reflects 24 pixels, but images of 32x24 allow at most 23"),
        ("crop(24, pad=24, fill=reflect)", "E303", "reflects 24 pixels"),
        (
            "choose { | crop(8) | flip }",
            "E301",
            "the branches of `choose` give images of different sizes: 8x8 and 32x24",
        ),
        ("maybe(0.5) { crop(8) }", "E301", "the branches of `maybe` give images of different sizes: 8x8 and 32x24"),
    ],
)
def test_sizes_that_do_not_work_out(text: str, code: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        augmented_size(tricks(text), Size(32, 24), 3)
    assert caught.value.code == code and message in caught.value.message and caught.value.help


@pytest.mark.parametrize("text", ["hue(0.1)", "maybe { saturation(0.1) }", "choose { | flip | grayscale }"])
def test_colors_need_color(text: str) -> None:
    assert augmented_size(tricks(text), Size(8, 8)) == augmented_size(tricks(text), Size(8, 8), 3) == Size(8, 8)
    with pytest.raises(Problem, match="but the images have 1 channel") as caught:
        augmented_size(tricks(text), Size(8, 8), 1)
    assert caught.value.code == "E318"


def test_an_augmentation_that_does_not_fit_the_data_is_found_by_the_checker() -> None:
    assert "E318" in errors("source = digits; augment = flip -> hue(0.1)")
    assert "E303" in errors("source = digits; augment = crop(9)")
    assert "E307" in errors("source = digits; augment = crop(7)")
    assert not errors("source = digits; augment = crop(8, pad=1)")
