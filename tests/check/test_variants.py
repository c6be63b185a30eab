"""Variants, searches, `--set`, `extends`, and the resolved text that a run keeps."""

from pathlib import Path

import pytest

from specc.check import check
from specc.source import Source
from specc.values import show
from tests.helpers.checking import codes, fine, layers, only, spec, underlined

BASE = """
data { source = digits; augment = shift(1) -> noise(0.01) }
network N(width=8, act=relu, depth=1) {
  repeat(depth) { conv(width) -> act }
  global_avg_pool -> dense(10)
}
train { epochs = 3; optimizer = adam(lr=1e-3); schedule = warmup(1) -> cosine }
"""


def width(checked) -> int:
    return fine(checked).graph.nodes[1].args.filters


# ---- variants


def test_a_variant_changes_parameters_and_settings():
    text = BASE + "variant big { network.width = 32; train.epochs = 9\n  network.act = tanh -> dropout }"
    checked = fine(spec(text, variant="big"))
    assert checked.variant == "big"
    assert layers(checked)[:3] == ["conv", "tanh", "dropout"]
    assert (width(checked), checked.train.epochs) == (32, 9)
    checked = fine(spec(text))
    assert (width(checked), checked.train.epochs, checked.variant, checked.variants) == (8, 3, None, ("big",))


def test_variants_build_on_one_another():
    text = (
        BASE
        + """
    variant c extends b { network.width = 32 }
    variant b extends a { network.width = 24; network.depth = 2 }
    variant a { network.width = 16; train.epochs = 5; network.act = tanh }
    """
    )
    found = {name: fine(spec(text, variant=name)) for name in "abc"}
    assert [width(found[name]) for name in "abc"] == [16, 24, 32]
    assert [found[name].train.epochs for name in "abc"] == [5, 5, 5]
    assert [layers(found[name]).count("tanh") for name in "abc"] == [1, 2, 2]


def test_a_variant_may_be_empty_or_add_a_section():
    assert width(spec(BASE + "variant same { }", variant="same")) == 8
    text = "network N { input(1, 8x8) -> global_avg_pool -> dense(10) }\nvariant with_data { data.source = digits }"
    assert fine(spec(text)).data is None
    assert fine(spec(text, variant="with_data")).data.source.name == "digits"


def test_values_of_variants_are_expressions():
    text = "let w = 5\n" + BASE + "variant v { network.width = 2 * w + 1; network.depth = min(w, 2) }"
    checked = fine(spec(text, variant="v"))
    assert (width(checked), layers(checked).count("conv")) == (11, 2)


def test_every_variant_is_checked():
    text = (
        BASE
        + "variant fine { network.width = 4 }\nvariant bad { network.width = 0 }\nvariant worse { train.epochs = 0 }"
    )
    assert codes(spec(text)) == []
    checked = spec(text, everything=True)
    assert codes(checked) == ["E207", "E207"]
    assert [problem.notes[-1] for problem in checked.errors] == ["in variant bad", "in variant worse"]
    assert "found 0" in checked.errors[0].message


def test_a_mistake_of_the_file_itself_is_not_told_for_each_variant():
    text = BASE.replace("conv(width)", "con(width)") + "variant a { network.width = 4 }\nvariant b { train.epochs = 1 }"
    assert codes(spec(text, everything=True)) == ["E201"]


def test_a_variant_that_breaks_a_shape_is_named():
    text = "network N(r=2) { input(4, 8x8)\npixel_shuffle(r) }\nvariant bad { network.r = 3 }"
    problem = only(spec(text, everything=True))
    assert (problem.code, problem.notes) == ("E304", ("in variant bad",))


@pytest.mark.parametrize(
    ("settings", "code", "where", "near"),
    [
        ("network.widht = 3", "E217", "network.widht", "`width`"),
        ("networ.width = 3", "E217", "networ.width", "`network`"),
        ("width = 3", "E217", "width", "`network.width`"),
        ("epochs = 3", "E217", "epochs", "`train.epochs`"),
        ("network = 3", "E217", "network", ""),
        ("train = 3", "E217", "train", ""),
        ("train.epcohs = 3", "E210", "train.epcohs", "`epochs`"),
        ("train.optimizer.rl = 3", "E217", "train.optimizer.rl", "lr"),
        ("train.epochs.lr = 3", "E217", "train.epochs.lr", ""),
        ("network.width.x = 3", "E217", "network.width.x", ""),
        ("train.schedule.cosin.to = 3", "E217", "train.schedule.cosin.to", "`cosine`"),
        ("data.augment.noise = 3", "E217", "data.augment.noise", ""),
        ("train.batch = 0", "E207", "0", ""),
        ("train.optimizer.lr = 0", "E207", "0", ""),
        ("network.act = rulu", "E201", "rulu", "`relu`"),
    ],
)
def test_paths_that_lead_nowhere(settings, code, where, near):
    checked = spec(f"{BASE}variant v {{ {settings} }}", everything=True)
    assert only(checked).code == code
    assert underlined(checked) == where
    assert near in only(checked).help
    assert codes(spec(f"{BASE}variant v {{ {settings} }}", variant="v")) == [code]


def test_a_variant_that_is_not_there():
    text = BASE + "variant relu { }\nvariant tanh { }"
    problem = only(spec(text, variant="rleu"))
    assert problem.code == "E213"
    assert "`relu`" in problem.help
    assert "relu, tanh" in only(spec(text, variant="zzz")).help
    assert codes(spec(BASE, variant="x")) == ["E213"]


def test_extending_a_variant_that_is_not_there():
    text = BASE + "variant a extends rleu { }\nvariant relu { }\nvariant b extends a { }"
    checked = spec(text, everything=True)
    assert only(checked).code == "E213"
    assert underlined(checked) == "rleu"
    assert codes(spec(text, variant="a")) == ["E213"]
    assert codes(spec(text, variant="b")) == ["E213"]
    assert codes(spec(text)) == []


def test_variants_in_a_circle():
    text = BASE + "variant a extends c { }\nvariant b extends a { }\nvariant c extends b { }\nvariant d extends c { }"
    checked = spec(text, everything=True)
    assert only(checked).code == "E221"
    assert underlined(checked) == "a"
    assert codes(spec(text, variant="d")) == ["E221"]
    assert codes(spec(BASE + "variant a extends a { }", everything=True)) == ["E221"]


def test_two_variants_of_one_name():
    assert codes(spec(BASE + "variant a { }\nvariant a { }", everything=True)) == ["E209"]


# ---- paths into calls and pipelines, as variants and --set take them


@pytest.mark.parametrize(
    ("setting", "look", "value"),
    [
        ("train.epochs=7", lambda c: c.train.epochs, 7),
        ("train.batch = 2 ** 5", lambda c: c.train.batch, 32),
        ("train.optimizer.lr=0.5", lambda c: c.train.optimizer.args.lr, 0.5),
        ("train.optimizer.weight_decay=1e-4", lambda c: c.train.optimizer.args.weight_decay, 1e-4),
        ("train.optimizer=sgd(lr=0.1)", lambda c: c.train.optimizer.name, "sgd"),
        ("train.schedule.warmup.epochs=4", lambda c: c.train.schedule[0].args.epochs, 4),
        ("train.schedule.cosine.to=0.1", lambda c: c.train.schedule[1].args.to, 0.1),
        ("train.schedule=constant", lambda c: [call.name for call in c.train.schedule], ["constant"]),
        ("train.loss.smoothing=0.1", lambda c: c.train.loss.args.smoothing, 0.1),
        ("train.target=94%", lambda c: c.train.target, 0.94),
        ("train.precision=bf16", lambda c: c.train.precision, "bf16"),
        ("data.augment.noise.p=0.5", lambda c: c.data.augment[1].args.p, 0.5),
        ("data.augment.shift.pixels=2", lambda c: c.data.augment[0].args.pixels, 2),
        ("data.augment=none", lambda c: c.data.augment, ()),
        ("data.normalize.per=image", lambda c: c.data.normalize.args.per, "image"),
        ("data.resize=16x16", lambda c: c.graph.input, (1, 16, 16)),
        ("export.opset=18", lambda c: c.export.opset, 18),
        ("network.width=5", width, 5),
        ("network.width = 2 * 8", width, 16),
        ("network.depth=0", lambda c: layers(c)[0], "global_avg_pool"),
        ("network.act=leaky_relu(0.2)", lambda c: c.graph.nodes[2].args.slope, 0.2),
        ("network.act=tanh -> dropout(10%)", lambda c: layers(c)[1:3], ["tanh", "dropout"]),
        ("network.act=(tanh)", lambda c: layers(c)[1], "tanh"),
        ("train.epochs=3 # why not", lambda c: c.train.epochs, 3),
        ("train.optimizer=adam(\n  lr=1\n)", lambda c: c.train.optimizer.args.lr, 1),
    ],
)
def test_set(setting, look, value):
    assert look(fine(spec(BASE, sets=[setting]))) == value


def test_sets_follow_one_another_and_the_variant():
    text = BASE + "variant v { network.act = leaky_relu; train.epochs = 8 }"
    checked = fine(spec(text, variant="v", sets=["network.act.slope=0.3", "train.epochs=9", "train.epochs=10"]))
    assert checked.graph.nodes[2].args.slope == 0.3
    assert checked.train.epochs == 10


def test_paths_into_arguments_by_position_replace_them():
    text = BASE.replace("adam(lr=1e-3)", "sgd(0.1, 0.9)")
    args = fine(spec(text, sets=["train.optimizer.momentum=0.5", "train.optimizer.lr=1"])).train.optimizer.args
    assert (args.lr, args.momentum) == (1, 0.5)
    text = "network N(act=leaky_relu(0.1), unit=u(3)) { input(3, 8x8) -> act -> unit }\nblock u(c, k=3) { conv(c, k) }"
    graph = fine(spec(text, sets=["network.act.slope=0.2", "network.unit.c=9", "network.unit.k=1"])).graph
    assert graph.nodes[1].args.slope == 0.2
    assert (graph.nodes[2].args.filters, graph.nodes[2].args.kernel) == (9, (1, 1))


def test_paths_into_what_a_let_names():
    text = "let opt = sgd(0.1)\nlet act = leaky_relu(0.1)\n" + BASE.replace("adam(lr=1e-3)", "opt").replace(
        "relu", "act"
    )
    checked = fine(spec(text, sets=["train.optimizer.momentum=0.5", "network.act.slope=0.2"]))
    assert checked.train.optimizer.args.momentum == 0.5
    assert checked.graph.nodes[2].args.slope == 0.2


def test_paths_into_a_pipeline_of_one_stage():
    text = BASE.replace("shift(1) -> noise(0.01)", "noise(0.01)")
    for path in ("data.augment.noise.std", "data.augment.std"):
        assert fine(spec(text, sets=[f"{path}=0.5"])).data.augment[0].args.std == 0.5


def test_paths_into_an_argument_that_is_not_given():
    text = BASE.replace("adam(lr=1e-3)", "muon")
    checked = spec(text, sets=["train.optimizer.others.lr=0.5"])
    others = fine(checked).train.optimizer.args.others
    assert (others.name, others.args.lr, others.args.betas) == ("adamw", 0.5, (0.9, 0.95))
    assert codes(spec(text, sets=["train.optimizer.steps.lr=0.5"])) == ["E217"]


def test_a_trick_is_looked_for_in_the_settings_own_vocabulary():
    text = BASE.replace("warmup(1) -> cosine", "constant")  # `constant` is an initializer, too
    assert fine(spec(text, sets=["train.schedule.epochs=2"])).train.schedule[0].args.epochs == 2


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("train.epochs", "E107"),
        ("train.epochs=", "E107"),
        ("=3", "E107"),
        ("", "E107"),
        ("train..epochs=3", "E107"),
        (".=3", "E107"),
        ("train.epochs=1 2", "E101"),
        ("train.epochs=)", None),
        ("train.epochs=(", None),
        ("train.epochs=1, 2", "E107"),
        ("train.epochs=1; let x = 3", None),
        ('train.epochs="', None),
        ("train.epochs=3 epochs", "E101"),
        ("train.epochs=many", "E201"),
        ("trian.epochs=3", "E217"),
        ("train.epochs=0", "E207"),
        ("network.width=9 ** 9 ** 9", None),
        ("data.source.path=3", "E217"),
        ("train.clip.norm=3", "E217"),
    ],
)
def test_sets_that_go_wrong(setting, code):
    checked = spec(BASE, sets=[setting])
    assert checked.errors
    assert all(problem.span.source.path.startswith("--set") for problem in checked.errors)
    if code is not None:
        assert codes(checked) == [code]


def test_the_place_of_a_mistake_in_a_set_is_within_its_value():
    checked = spec(BASE, sets=["network.act=leaky_relu(slpe=0.1)"])
    assert underlined(checked) == "slpe"
    assert only(checked).span.source.text == "leaky_relu(slpe=0.1)"


# ---- searches


def test_a_search_is_checked_value_by_value():
    text = BASE + "search { network.width = choice(8, 16); train.optimizer.lr = log_uniform(1e-4, 1e-1) }"
    assert codes(spec(text, everything=True)) == []
    text = BASE + "search { network.width = choice(8, 0, 16, 0.5); train.optimizer.lr = uniform(-1, 1) }"
    checked = spec(text, everything=True)
    notes = ["in the search over network.width", "in the search over train.optimizer.lr"]
    assert [error.notes[-1] for error in checked.errors] == notes
    assert "found 0" in checked.errors[0].message and "found -1" in checked.errors[1].message
    assert codes(spec(text)) == []


def test_a_range_draws_numbers_that_are_not_whole():
    [error] = spec(f"{BASE}search {{ network.width = uniform(8, 16) }}", everything=True).errors
    assert (error.code, error.notes[-1]) == ("E207", "in the search over network.width")


def test_a_search_may_try_layers_and_calls():
    text = BASE + "search { network.act = choice(relu, leaky_relu(0.1), tanh -> dropout)\n"
    text += "train.optimizer = choice(adam, sgd(0.1)) }"
    assert codes(spec(text, everything=True)) == []
    checked = spec(text.replace("tanh", "tahn"), everything=True)
    assert underlined(checked) == "tahn"


@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("network.width = 3", "E207"),
        ("network.width = [1, 2]", "E207"),
        ("network.width = choose(1, 2)", "E202"),
        ("network.width = choice", "E206"),
        ("network.width = choice()", "E206"),
        ("network.width = uniform(1)", "E206"),
        ("network.width = uniform(2, 1)", None),
        ("train.optimizer.lr = log_uniform(0, 1)", None),
        ("network.widht = choice(1, 2)", "E217"),
        ("network.width = choice(1) -> choice(2)", "E207"),
        ("network.width = choice(w)", "E201"),
        ("train.epcohs = choice(1, 2)", "E210"),
    ],
)
def test_searches_that_go_wrong(search, code):
    checked = spec(f"{BASE}search {{ {search} }}", everything=True)
    assert only(checked)
    if code is not None:
        assert only(checked).code == code


@pytest.mark.parametrize(
    "search",
    ["(choice(1, 2))", "choice(1, 2) if true else choice(3)", "widths", "choice(values=[1, 2])", "choice(w, 2 * w)"],
)
def test_searches_may_be_written_in_other_ways(search):
    text = f"let w = 4\nlet widths = choice(1, 2)\n{BASE}search {{ network.width = {search} }}"
    assert codes(spec(text, everything=True)) == []


# ---- extends


class Files(dict[str, str]):
    """Files by their path, as `extends` finds them."""

    def __call__(self, path: str, source: Source) -> Source | str:
        return Source(path, self[path]) if path in self else f"there is no file `{path}`"


def test_extends_takes_every_section_and_changes_it():
    files = Files({"base.cnn": BASE + "let c = 4\nblock f { tanh }\nvariant v { network.width = 3 }"})
    checked = fine(spec('extends "base.cnn"\ntrain { epochs = 99 }', load=files))
    assert (checked.train.epochs, checked.train.optimizer.args.lr, width(checked)) == (99, 1e-3, 8)
    assert width(spec('extends "base.cnn"', load=files, variant="v")) == 3
    checked = fine(spec('extends "base.cnn"\nnetwork M { f -> global_avg_pool -> dense(10) }', load=files))
    assert (checked.name, layers(checked)[0]) == ("M", "tanh")
    checked = fine(
        spec('extends "base.cnn"\nblock f { gelu }\nnetwork M { f -> global_avg_pool -> dense(10) }', load=files)
    )
    assert layers(checked)[0] == "gelu"
    text = 'extends "base.cnn"\nlet c = 5\nnetwork M { conv(c) -> global_avg_pool -> dense(10) }'
    assert width(spec(text, load=files)) == 5


def test_extends_in_several_steps():
    files = Files({"a.cnn": BASE, "b.cnn": 'extends "a.cnn"\ntrain { epochs = 4; batch = 5 }'})
    train = fine(spec('train { batch = 6 }\nextends "b.cnn"', load=files)).train
    assert (train.epochs, train.batch, train.optimizer.args.lr) == (4, 6, 1e-3)


def test_a_mistake_in_the_file_that_is_extended_is_told_there():
    checked = spec('extends "base.cnn"', load=Files({"base.cnn": BASE.replace("adam", "adma")}))
    assert only(checked).span.source.path == "base.cnn"
    checked = spec('extends "base.cnn"', load=Files({"base.cnn": "network {"}))
    assert checked.errors[0].span.source.path == "base.cnn"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "E218"),
        ({"base.cnn": 'extends "nope.cnn"'}, "E218"),
        ({"base.cnn": 'extends "net.cnn"'}, "E221"),
        ({"base.cnn": 'extends "base.cnn"'}, "E221"),
        ({"base.cnn": 'extends "b.cnn"', "b.cnn": 'extends "base.cnn"'}, "E221"),
    ],
)
def test_extends_that_goes_wrong(files, code):
    checked = spec('extends "base.cnn"', load=Files(files, **{"net.cnn": 'extends "base.cnn"'}))
    assert only(checked).code == code
    assert checked.graph is None


def test_extends_without_end():
    def load(path: str, source: Source) -> Source:
        return Source(source.path + "x", 'extends "more.cnn"')

    assert only(spec('extends "more.cnn"', load=load)).code == "E214"


def test_extends_without_a_way_to_read_files():
    assert codes(spec('extends "base.cnn"')) == ["E218"]


def test_a_file_extends_one_other():
    files = Files({"a.cnn": BASE, "b.cnn": BASE})
    assert codes(spec('extends "a.cnn"\nextends "b.cnn"', load=files)) == ["E209"]


# ---- the resolved text

EXAMPLES = Path(__file__).parents[2] / "examples"


def same(first, second) -> None:
    """Both have the same network and the same settings."""
    fine(second)

    def shown(args):
        return {name: show(value) for name, value in args.as_dict().items()} if args else None

    def nodes(checked):
        return [(n.name, n.op.name, shown(n.args), n.inputs, n.shape, n.head) for n in checked.graph.nodes]

    assert nodes(first) == nodes(second)
    assert [shown(first.data), shown(first.train), shown(first.export)] == [
        shown(second.data),
        shown(second.train),
        shown(second.export),
    ]
    assert first.name == second.name


def every_variant() -> list[tuple[str, str | None]]:
    found = []
    for path in sorted(EXAMPLES.glob("*.cnn")):
        variants = check(Source(path.name, path.read_text())).variants
        found += [(path.name, variant) for variant in (None, *variants)]
    return found


@pytest.mark.parametrize(("name", "variant"), every_variant())
def test_the_resolved_text_says_the_same(name, variant):
    source = Source(name, (EXAMPLES / name).read_text())
    first = fine(check(source, variant=variant, sets=["train.epochs=7"]))
    same(first, check(Source(name, first.resolved)))


@pytest.mark.parametrize(
    "setting",
    [
        "network.act=leaky_relu(0.1) -> (tanh if 1 < 2 else gelu)",
        "network.act=residual { conv(8) -> relu; conv(8) }",
        "network.act=add { | relu | conv(8) -> tanh }",
        "network.width=[1, 2, 4 * (2 + 1)][-1] + 2 ** -(1 - 2)",
        "data.augment=choose { | shift(1) | flip -> noise(0.1) } -> maybe(30%) { shift(2) }",
        "train.schedule=warmup(23%, from=0.2) -> cosine(to=1e-3)",
        "train.target=94.5%",
        "train.freeze=[conv1]",
        'network.width=4 if "a \\"b\\" \\\\ c" == "a" else 8',
    ],
)
def test_the_resolved_text_of_a_change_says_the_same(setting):
    first = fine(spec(BASE, sets=[setting]))
    same(first, spec(first.resolved))


def test_the_resolved_text_holds_everything_and_no_alternatives():
    text = "let c = 4\ndefault conv(bias=false)\nblock f(c) { conv(c) }\n" + BASE.replace(
        "conv(width)", "conv(width) -> f(c)"
    )
    text += "variant v { network.width = 3 }\nsearch { network.width = choice(1, 2) }"
    files = Files({"base.cnn": text})
    first = fine(spec('extends "base.cnn"\ntrain { epochs = 9 }', load=files, variant="v", sets=["train.seed=5"]))
    again = fine(spec(first.resolved))
    same(first, again)
    assert again.variants == ()
    assert (again.train.epochs, again.train.seed, width(again)) == (9, 5, 3)
    assert again.resolved == first.resolved


def test_what_is_not_changed_is_kept_as_it_was_written():
    text = "# why\n" + BASE
    assert spec(text).resolved == text


@pytest.mark.parametrize(
    "text",
    [
        BASE + "variant twice { train.epochs = 2; train.epochs = 3 }",
        'extends "base.cnn"\nnetwork { width = 2; width = 3 }',
    ],
)
def test_a_setting_is_written_once(text):
    checked = spec(text, load=Files({"base.cnn": BASE}), everything=True)
    assert "E209" in [one.code for one in checked.errors]
