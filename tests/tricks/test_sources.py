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

FAMILIES = ("source", "resize", "normalize", "progressive", "validation", "augment")
DATA = [trick for family in FAMILIES for trick in COMPONENTS[family].values()]


def checked(settings: str, network: str = "flatten -> dense(10)"):
    return check(Text("net.cnn", f"data {{ {settings} }}\nnetwork N {{ {network} }}"))


def errors(settings: str, network: str = "flatten -> dense(10)") -> dict[str, str]:
    return {error.code: f"{error.message}\n{error.help}" for error in checked(settings, network).errors}


@pytest.mark.parametrize("trick", DATA, ids=lambda trick: f"{trick.family}-{trick.name}")
def test_examples_are_accepted(trick) -> None:
    setting = "" if trick.family == "source" else "source = cifar10; "
    found = errors(f"{setting}{trick.family} = {trick.example}", "input(3, 32x32); flatten -> dense(10)")
    assert set(found) <= {"E306", "E307", "E322"}  # the data of an example need not fit this network
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
        "csv": 3,
        "masks": 3,
        "webdataset": 3,
        "packed": None,
        "npz": None,
        "none": 3,
    }


TABLE = 'csv("a.csv", image=file, {})'


@pytest.mark.parametrize(
    ("source", "task", "outputs"),
    [
        ("digits", "classification", None),
        (TABLE.format("label=kind"), "classification", None),
        (TABLE.format("labels=[sea, sand]"), "multi-label", ("sea", "sand")),
        (TABLE.format('labels=tags, separator=";"'), "multi-label", None),
        (TABLE.format("target=age"), "regression", ("age",)),
        (TABLE.format('targets=[x, "the y"]'), "regression", ("x", "the y")),
        ('masks("a", "b")', "segmentation", None),
        ('masks("a", "b", classes=[ground, "a cat"])', "segmentation", ("ground", "a cat")),
        ('npz("a.npz")', None, None),
        ('webdataset("a.tar")', None, None),
        ('packed("a", window=4)', None, None),
    ],
)
def test_what_a_source_says_of_the_task(source: str, task: str | None, outputs: tuple[str, ...] | None) -> None:
    data = checked(f"source = {source}").data
    assert data is not None
    word = component(Source, data.source)
    known = word.task(data.source.args)
    assert (known and known.name, word.outputs(data.source.args)) == (task, outputs)


@pytest.mark.parametrize("name", ["width", "len", "relu", "cifar10", "none", "w.x"])
def test_columns_are_not_evaluated(name: str) -> None:
    text = f"let width = 3\nlet other = width\ndata {{ source = {TABLE.format(f'labels=[{name}, b], group={name}2')} }}"
    found = check(Text("net.cnn", f"{text}\nlet {name.replace('.', '_')}2 = 5\nnetwork N {{ flatten -> dense(2) }}"))
    assert found.data is not None, found.diagnostics
    assert (found.data.source.args.labels, found.data.source.args.group) == ((name, "b"), f"{name}2")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("part=set", "E206", "`csv` needs one of `label`, `labels`, `target` and `targets`"),
        ("label=a, targets=[b]", "E216", "takes only one of `label` and `targets`"),
        ("labels=tags", "E216", 'write labels=tags, separator=";"; a column of 0 and 1 is labels=[tags]'),
        ('labels=[a, b], separator=";"', "E216", "`separator` separates the tags of one column"),
        ('label=a, separator=";"', "E216", "remove it, or write labels=COLUMN"),
        ("labels=[]", "E216", "`labels` names no column"),
        ("label=file", "E216", "the column `file` is used twice"),
        ("targets=[a, b], group=b", "E216", "the column `b` is used twice"),
        ("label=[a]", "E207", "must be the name of a column, bare or quoted"),
        ("label=a + b", "E201", "there is no value called `a`"),
        ("label=3", "E207", "found 3"),
        ('label=""', "E207", "must be the name of a column"),
        ("lable=a", "E203", "did you mean `label`?"),
    ],
)
def test_columns_that_cannot_be_meant(arguments: str, code: str, message: str) -> None:
    assert message in errors(f"source = {TABLE.format(arguments)}")[code]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("classes=[a, b, a]", "the class `a` is named twice"),
        ("classes=[a]", "needs 2 to 255 classes, found 1"),
        (f"classes={[f'c{number}' for number in range(256)]}".replace("'", '"'), "needs 2 to 255 classes, found 256"),
        ("classes=[a, b], ignore=1", "`ignore=1` is the number of the class `b`"),
    ],
)
def test_masks_that_cannot_be_meant(arguments: str, message: str) -> None:
    assert message in errors(f'source = masks("a", "b", {arguments})')["E216"]


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


def test_a_path_alone_is_helped_to_its_source() -> None:
    assert 'write csv("a.CSV", image=COLUMN, label=COLUMN)' in errors('source = "a.CSV"')["E207"]
    assert 'write folder("a") for folders of images' in errors('source = "a"')["E207"]
