"""The settings of `data`, `train` and `export`: every one of them, its kinds, its range and its default."""

import pytest

from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.values import Percent
from tests.helpers.checking import codes, fine, only, spec, underlined

NETWORK = "network N { input(3, 32x32) -> global_avg_pool -> dense(10) }\n"


def setting(section: str, line: str):
    """A file with one setting; `data` gets a source where the line has none."""
    source = "source = cifar10\n" if section == "data" and not line.startswith("source") else ""
    return spec(f"{NETWORK}{section} {{\n{source}{line}\n}}")


def worth(section: str, line: str):
    """What a setting is worth."""
    name = line.partition("=")[0].strip()
    return getattr(getattr(fine(setting(section, line)), section), name)


def called(value) -> str:
    """A call as text, without the arguments that hold their defaults."""
    return " -> ".join(call.name for call in value) if type(value) is tuple else value.name


FINE = [
    ("data", "source = cifar10", "cifar10"),
    ("data", "source = cifar10()", "cifar10"),
    ("data", 'source = folder("flowers")', "folder"),
    ("data", 'source = npz("letters.npz")', "npz"),
    ("data", "resize = 32x32", "stretch"),
    ("data", "resize = 32", "stretch"),
    ("data", "resize = none", None),
    ("data", "resize = stretch(32x32, by=nearest)", "stretch"),
    ("data", "resize = cover(32, by=bicubic)", "cover"),
    ("data", "resize = contain(32x32, fill=114)", "contain"),
    ("data", "view = none", None),
    ("data", "channels = rgb", "rgb"),
    ("data", "range = none", None),
    ("data", "normalize = imagenet", "imagenet"),
    ("data", "normalize = unit", "unit"),
    ("data", "normalize = standard", "standard"),
    ("data", "normalize = standard(per=image)", "standard"),
    ("data", "normalize = fixed(mean=[0.5, 0.5, 0.5], std=[1, 1, 1])", "fixed"),
    ("data", "normalize = fixed([0.5], [0.25])", "fixed"),
    ("data", "normalize = none", "none"),
    ("data", "augment = flip", "flip"),
    ("data", "augment = flip(vertical) -> crop(32, pad=4) -> noise(0.01, p=0.5)", "flip -> crop -> noise"),
    ("data", "augment = flip\n  -> crop(32, pad=4, fill=reflect)", "flip -> crop"),
    ("data", "augment = flip ->\n  crop(32, pad=4)", "flip -> crop"),
    ("data", "augment = (flip -> crop(32, pad=4)) -> cutout(8)", "flip -> crop -> cutout"),
    ("data", "augment = choose { | rotate(15) | shift(2) -> flip }", "choose"),
    ("data", "augment = choose {\n  | rotate(15)\n  | shift(2)\n    flip\n  }", "choose"),
    ("data", "augment = maybe(30%) { rotate(15) }", "maybe"),
    ("data", "augment = maybe(0.3) {\nrotate(15)\nflip\n} -> flip", "maybe -> flip"),
    ("data", "augment = none", ""),
    ("data", "augment = flip if true else none", "flip"),
    ("data", "augment = none if true else flip", ""),
    ("data", "augment = crop_and_resize(scale=(0.7, 1))", "crop_and_resize"),
    ("data", "augment = brightness(0.2) -> contrast(0.2) -> saturation(0.2) -> hue(0.05) -> grayscale(10%)",
     "brightness -> contrast -> saturation -> hue -> grayscale"),
    ("data", "augment = mixup(0.2) -> cutmix -> erase(0.5)", "mixup -> cutmix -> erase"),
    ("data", "augment = rand_augment(2, 9) -> trivial_augment", "rand_augment -> trivial_augment"),
    ("data", "progressive = progressive(from=2x2)", "progressive"),
    ("data", "validation = test", "test"),
    ("data", "validation = split(10%)", "split"),
    ("data", "validation = split(1000)", "split"),
    ("data", "validation = fold(5, of=5)", "fold"),
    ("data", "validation = auto", "auto"),
    ("data", "validation = given", "given"),
    ("data", "seed = 7", 7),
    ("data", "sample = balanced", "balanced"),
    ("data", "sample = none", None),
    ("data", "targets = none", "none"),
    ("data", "targets = standard", "standard"),
    ("train", "epochs = 100", 100.0),
    ("train", "epochs = 9.5", 9.5),
    ("train", "epochs = 2 * 30", 60.0),
    ("train", "batch = 256", 256),
    ("train", "batch = 2 ** 8", 256),
    ("train", "batch = 256.0", 256),
    ("train", "optimizer = sgd(0.1)", "sgd"),
    ("train", "optimizer = sgd(lr=0.1, momentum=0.9, nesterov=true, weight_decay=5e-4)", "sgd"),
    ("train", "optimizer = adam", "adam"),
    ("train", "optimizer = adam(lr=1e-3, betas=(0.9, 0.99))", "adam"),
    ("train", "optimizer = adamw(betas=[0.9, 0.99])", "adamw"),
    ("train", "optimizer = rmsprop(lr=1e-3)", "rmsprop"),
    ("train", "schedule = warmup(5) -> cosine", "warmup -> cosine"),
    ("train", "schedule = warmup(23%, from=0.2) -> linear(to=0.07)", "warmup -> linear"),
    ("train", "schedule = step(30, gamma=0.1)", "step"),
    ("train", "schedule = multistep([80, 120], gamma=0.1)", "multistep"),
    ("train", "schedule = constant(epochs=3) -> exponential(0.9)", "constant -> exponential"),
    ("train", "schedule = one_cycle", "one_cycle"),
    ("train", "schedule = plateau(5, 0.5)", "plateau"),
    ("train", "loss = cross_entropy", "cross_entropy"),
    ("train", "loss = cross_entropy(smoothing=0.1)", "cross_entropy"),
    ("train", "loss = focal(gamma=2)", "focal"),
    ("train", "loss = binary_cross_entropy", "binary_cross_entropy"),
    ("train", "regularize = l2(5e-4)", "l2"),
    ("train", "regularize = l1_l2(1e-5, 1e-4)", "l1_l2"),
    ("train", "regularize = none", None),
    ("train", "seed = 7", 7),
    ("train", "precision = bf16", "bf16"),
    ("train", "ema = 0.999", 0.999),
    ("train", "ema = none", None),
    ("train", "clip = 1", 1.0),
    ("train", "accumulate = 4", 4),
    ("train", "shards = 4", 4),
    ("train", "early_stop = 10", 10),
    ("train", "early_stop = early_stop(10)", 10),
    ("train", "early_stop = early_stop(patience=10) if true else none", 10),
    ("train", "best = loss", "loss"),
    ("train", "best = last", "last"),
    ("train", "target = 94%", Percent(0.94)),
    ("train", 'freeze = [dense1.bias, "dense1.bias"]', ("dense1.bias", "dense1.bias")),
    ("train", "freeze = dense1", ("dense1",)),
    ("train", "freeze = freeze(dense1, until=3)", "freeze"),
    ("train", 'start = weights("w.safetensors")', "weights"),
    ("train", "freeze = norms.bias if false else biases", ("biases",)),
    ("train", "lookahead = lookahead(steps=6)", "lookahead"),
    ("train", "average = swa(start=10)", "swa"),
    ("train", "groups = none", None),
    ("train", "plan = plan(threads=1)", "plan"),
    ("train", "evaluate = tta(flip)", "tta"),
    ("export", "opset = 18", 18),
    ("export", "precision = int8", "int8"),
    ("export", "max_loss = 2%", Percent(0.02)),
    ("export", "max_batch = 16", 16),
    ("export", "output = logits", "logits"),
    ("export", "tolerance = 1e-3", 1e-3),
]  # fmt: skip


@pytest.mark.parametrize(("section", "line", "value"), FINE)
def test_what_a_setting_is_worth(section, line, value):
    found = worth(section, line)
    if isinstance(value, str) and not isinstance(found, str):
        assert called(found) == value
    else:
        assert found == value


def test_every_setting_is_tried():
    tried = {(section, line.partition("=")[0].strip()) for section, line, _ in FINE}
    assert tried >= {(section, param.name) for section, params in SECTIONS.items() for param in params}


def test_every_trick_is_tried_in_its_own_example():
    places = {"optimizer": "train", "schedule": "train", "loss": "train", "augment": "data", "normalize": "data",
              "source": "data", "validation": "data", "resize": "data"}  # fmt: skip
    for family, section in places.items():
        for trick in COMPONENTS[family].values():
            checked = setting(section, f"{family} = {trick.example}")
            assert all(code in ("E307", "E303", "E306", "E225") for code in codes(checked)), (
                trick.name,
                checked.errors,
            )


def test_defaults():
    checked = fine(spec(NETWORK))
    assert checked.data is None
    assert checked.train.as_dict() == {param.name: param.default for param in SECTIONS["train"]}
    assert checked.export.as_dict() == {param.name: param.default for param in SECTIONS["export"]}
    checked = fine(spec(NETWORK + "data { source = cifar10 }\ntrain { }\nexport {\n}"))
    assert checked.data.normalize.name == "standard"
    assert checked.data.augment == ()
    assert (checked.train.epochs, checked.train.batch, checked.train.optimizer.name) == (20.0, 128, "adam")


WRONG = [
    ("data", "source = cifar11", "E202", "cifar11", "`cifar10`"),
    ("data", "source = 3", "E207", "3", ""),
    ("data", 'source = "cifar10"', "E207", '"cifar10"', ""),
    ("data", "source = folder", "E206", "folder", ""),
    ("data", "source = folder(flowers)", "E207", "flowers", '"flowers"'),
    ("data", "source = cifar10 -> mnist", "E207", "cifar10 -> mnist", ""),
    ("data", "resize = 0x3", "E207", "0x3", ""),
    ("data", "resize = big", "E202", "big", "stretch"),
    ("data", "resize = covr(32)", "E202", "covr", "`cover`"),
    ("data", "resize = (32, 32)", "E207", "(32, 32)", "32x32"),
    ("data", "resize = cover", "E206", "cover", ""),
    ("data", "resize = cover(32, fill=0)", "E203", "fill", ""),
    ("data", "resize = contain(32, fill=256)", "E207", "256", ""),
    ("data", "resize = stretch(32, by=lanczos)", "E207", "lanczos", ""),
    ("data", "resize = 32x32; view = 40x20", "E303", "40x20", "at most view = 32x32"),
    ("data", "view = 32x32", "E228", "32x32", "set resize"),
    ("data", "channels = gray", "E228", "gray", "remove `channels`"),
    ("data", "range = (0, 4095)", "E228", "(0, 4095)", "remove `range`"),
    ("data", 'source = folder("a"); range = (0, 65536)', "E207", "(0, 65536)", ""),
    ("data", 'source = folder("a"); range = (9, 9)', "E216", "(9, 9)", "black first"),
    ("data", 'source = folder("a"); channels = grey', "E207", "grey", "`gray`"),
    ("data", "normalize = unti", "E202", "unti", "`unit`"),
    ("data", "normalize = standard(per=pixel)", "E207", "pixel", ""),
    ("data", "normalize = standard(per=imgae)", "E207", "imgae", "`image`"),
    ("data", "normalize = fixed(mean=[0.5, 0.5, 0.5], std=[1, 1])", "E216", "[1, 1]", ""),
    ("data", "normalize = fixed(mean=[0.5], std=[0])", "E207", "[0]", ""),
    ("data", "normalize = fixed([0.5, 0.5], [1, 1])", "E313", "fixed([0.5, 0.5], [1, 1])", ""),
    ("data", "augment = flipp", "E202", "flipp", "`flip`"),
    ("data", "augment = flip -> adam", "E202", "adam", ""),
    ("data", "augment = relu", "E202", "relu", ""),
    ("data", "augment = flip(sideways)", "E207", "sideways", ""),
    ("data", "augment = flip(horizontl)", "E207", "horizontl", "`horizontal`"),
    ("data", "augment = noise", "E206", "noise", ""),
    ("data", "augment = noise(0.1, p=2)", "E207", "2", "2%"),
    ("data", "augment = noise(0.1, prob=0.2)", "E203", "prob", ""),
    ("data", "augment = choose { rotate(15) }", "E208", "choose", ""),
    ("data", "augment = maybe(0.5) { | rotate(15) | flip }", "E208", "maybe", ""),
    ("data", "augment = maybe(0.5)", "E208", "maybe(0.5)", ""),
    ("data", "augment = flip { rotate(15) }", "E208", "{ rotate(15) }", ""),
    ("data", "augment = maybe(0.5) { if true { flip } }", "E208", "if true { flip }", ""),
    ("data", "augment = 3", "E207", "3", ""),
    ("data", "augment = [flip]", "E207", "[flip]", ""),
    ("data", "augment = crop(28)", "E307", "crop(28)", ""),
    ("data", "augment = crop(64, pad=4)", "E303", "crop(64, pad=4)", ""),
    ("data", "augment = crop_and_resize(scale=(1, 0.5))", "E216", "(1, 0.5)", ""),
    ("data", "validation = split(150%)", "E207", "150%", ""),
    ("data", "validation = split(0)", "E207", "0", ""),
    ("data", "validation = fold(6, of=5)", "E216", "fold(6, of=5)", ""),
    ("data", "validation = fold(0, of=5)", "E207", "0", ""),
    ("data", "validation = fold(1, of=1)", "E207", "1", ""),
    ("data", "validation = fold(1)", "E206", "fold(1)", ""),
    ("data", "validation = train", "E202", "train", ""),
    ("data", "sources = mnist", "E210", "sources", "`source`"),
    ("data", "epochs = 3", "E210", "epochs", "`train`"),
    ("train", "epochs = 0", "E207", "0", ""),
    ("train", "epochs = -3", "E207", "-3", ""),
    ("train", 'epochs = "3"', "E207", '"3"', ""),
    ("train", "epochs = true", "E207", "true", ""),
    ("train", "epochs = many", "E201", "many", ""),
    ("train", "batch = 0", "E207", "0", ""),
    ("train", "batch = 12.5", "E207", "12.5", ""),
    ("train", "optimizer = admm", "E202", "admm", "`adam`"),
    ("train", "optimizer = cosine", "E202", "cosine", ""),
    ("train", "optimizer = sgd", "E206", "sgd", ""),
    ("train", "optimizer = adam(lr=0)", "E207", "0", ""),
    ("train", "optimizer = adam(betas=0.9)", "E207", "0.9", ""),
    ("train", "optimizer = adam(betas=(0.9, 0.99, 0.999))", "E207", "(0.9, 0.99, 0.999)", ""),
    ("train", "optimizer = adam(betas=(0.9, 1))", "E207", "(0.9, 1)", ""),
    ("train", "optimizer = adam(learning_rate=1)", "E203", "learning_rate", ""),
    ("train", "optimizer = sgd(0.1, nesterov=true)", None, None, ""),
    ("train", "optimizer = adam -> sgd(0.1)", "E207", "adam -> sgd(0.1)", ""),
    ("train", "optimizer = none", "E207", "none", ""),
    ("train", "schedule = cosin", "E202", "cosin", "`cosine`"),
    ("train", "schedule = warmup -> cosine", "E206", "warmup", ""),
    ("train", "schedule = warmup(-1)", "E207", "-1", ""),
    ("train", "schedule = multistep(30)", "E207", "30", ""),
    ("train", "loss = cross_entropy(smoothing=1)", "E207", "1", ""),
    ("train", "loss = crossentropy", "E202", "crossentropy", "`cross_entropy`"),
    ("train", "regularize = l2", "E206", "l2", ""),
    ("train", "regularize = l2(-1)", "E207", "-1", ""),
    ("train", "regularize = l3(1)", "E202", "l3", ""),
    ("train", "seed = -1", "E207", "-1", ""),
    ("train", "precision = fp64", "E207", "fp64", ""),
    ("train", "ema = 1", "E207", "1", ""),
    ("train", "freeze = 3", "E207", "3", ""),
    ("train", "learning_rate = 0.1", "E210", "learning_rate", ""),
    ("train", "epoch = 3", "E210", "epoch", "`epochs`"),
    ("export", "opset = 12", "E207", "12", ""),
    ("export", "opset = latest", "E201", "latest", ""),
    ("export", "precision = int4", "E207", "int4", ""),
    ("export", "max_loss = 100%", "E207", "100%", ""),
    ("export", "max_batch = 0", "E207", "0", ""),
    ("export", "output = softmax", "E207", "softmax", ""),
    ("data", 'source = "cifar10"', "E207", '"cifar10"', "without quotes"),
    ("data", 'source = "flowers"', "E207", '"flowers"', 'folder("flowers")'),
    ("train", 'optimizer = "adam"', "E207", '"adam"', "without quotes"),
    ("train", 'regularize = "l2"', "E207", '"l2"', "without quotes"),
    ("train", "early_stop = 0", "E207", "0", ""),
    ("train", "early_stop = early_stop(0)", "E207", "0", ""),
    ("train", "early_stop = early_stop", "E206", "early_stop", "patience"),
    ("data", "validation = split(100%)", "E207", "100%", ""),
    ("data", "resize = 200%", "E207", "200%", ""),
    ("train", "accumulate = 100%", "E207", "100%", ""),
    ("train", "shards = 0", "E207", "0", ""),
    ("export", "output = logit", "E207", "logit", "`logits`"),
    ("export", "tolerance = 0", "E207", "0", ""),
    ("export", "toleranse = 1", "E210", "toleranse", "`tolerance`"),
]


@pytest.mark.parametrize(("section", "line", "code", "where", "help"), WRONG)
def test_settings_that_go_wrong(section, line, code, where, help):
    checked = setting(section, line)
    problem = only(checked)
    if code is not None:
        assert (problem.code, underlined(checked)) == (code, where)
    assert help in problem.help


def test_a_share_as_target_is_at_most_1():
    """Whether the target is a share is known once the task is: from the source."""
    checked = spec(f"{NETWORK}data {{ source = cifar10 }}\ntrain {{ target = 94 }}")
    problem = only(checked)
    assert (problem.code, underlined(checked)) == ("E317", "94")
    assert "94%" in problem.help


def test_what_was_needed_is_said():
    assert "an optimizer" in only(setting("train", "optimizer = 3")).message
    assert "`fp32`" in only(setting("train", "precision = fp64")).message
    assert "augment" in only(setting("train", "optimizer = flip")).message
    assert "above 0" in only(setting("train", "epochs = 0")).message


def test_data_needs_a_source():
    checked = spec(NETWORK + "data { normalize = unit }")
    assert codes(checked) == ["E206"]
    assert "`source`" in only(checked).message
    assert codes(spec(NETWORK + "data { }")) == ["E206"]


def test_settings_may_use_the_files_own_names():
    lets = "let epochs = 30\nlet opt = sgd\nlet big = adam(lr=3e-3)\nlet soft = flip -> crop(32, pad=4)\n"
    lines = "train { epochs = 2 * epochs\noptimizer = big }\ndata { source = cifar10\naugment = soft -> cutout(8) }"
    checked = fine(spec(NETWORK + lets + lines))
    assert checked.train.epochs == 60
    assert checked.train.optimizer.args.lr == 3e-3
    assert called(checked.data.augment) == "flip -> crop -> cutout"
    checked = fine(spec(NETWORK + lets + "train { optimizer = opt(lr=0.5) }"))
    assert checked.train.optimizer.args.lr == 0.5


def test_a_let_with_a_tricks_name_comes_first():
    checked = fine(spec(NETWORK + "let adam = sgd(0.5)\ntrain { optimizer = adam }"))
    assert checked.train.optimizer.name == "sgd"


def test_a_setting_stands_once():
    checked = spec(NETWORK + "train { epochs = 3\nepochs = 4 }")
    assert codes(checked) == ["E209"]
    assert [label.span.line for label in only(checked).labels] == [2]
    assert codes(spec(NETWORK + "train { epochs = 3 }\ntrain { batch = 4 }")) == []
    assert codes(spec(NETWORK + "train { epochs = 3 }\ntrain { epochs = 4 }")) == ["E209"]


def test_settings_on_one_line():
    checked = fine(spec(NETWORK + "train { epochs = 3; batch = 4;; seed = 5; }"))
    assert (checked.train.epochs, checked.train.batch, checked.train.seed) == (3, 4, 5)


def test_all_mistakes_of_all_sections_at_once():
    text = NETWORK + "data { source = cifar11; resize = 0 }\ntrain { epochs = 0; sede = 3 }\nexport { opset = 3 }"
    assert codes(spec(text)) == ["E202", "E207", "E207", "E210", "E207"]


def test_a_wrong_data_section_is_not_held_against_the_network():
    text = "network N { conv(8) -> max_pool(2) -> flatten -> dense(3) }\ndata { source = cifar11 }"
    assert codes(spec(text)) == ["E202"]
