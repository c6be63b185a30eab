"""What a study trains, and what is compared with what."""

from specc.backend.study.plan import FILE, Entry, compared_with, ladder, without_each
from specc.check.variants import Variant

VARIANTS = {
    "relu": Variant("relu", "", (("network.act", "relu"),)),
    "norm": Variant("norm", "relu", (("network.norm", "batch_norm"), ("train.epochs", "3"))),
    "more": Variant("more", "norm", (("train.epochs", "9"),)),
}


def test_the_ladder_is_the_file_and_its_variants() -> None:
    entries = ladder(VARIANTS)
    assert [(entry.name, entry.extends, entry.variant) for entry in entries] == [
        (FILE, "", None),
        ("relu", FILE, "relu"),
        ("norm", "relu", "norm"),
        ("more", "norm", "more"),
    ]
    assert entries[3].settings == (("train.epochs", "9"),)
    assert compared_with(entries, VARIANTS) == {FILE: "", "relu": FILE, "norm": "relu", "more": "norm"}


def test_what_is_left_out_is_passed_over_in_comparing() -> None:
    assert compared_with(ladder(VARIANTS, ["more"]), VARIANTS) == {FILE: "", "more": FILE}
    assert compared_with(ladder(VARIANTS, ["more", "relu"]), VARIANTS)["more"] == "relu"


def test_each_setting_of_the_chain_is_left_out_once() -> None:
    first, *rest = without_each(VARIANTS, "more")
    assert first == Entry(
        "more", "", "more", (), (("network.act", "relu"), ("network.norm", "batch_norm"), ("train.epochs", "9"))
    )
    assert [(entry.name, entry.extends, entry.variant, entry.sets) for entry in rest] == [
        ("more without network.act", "more", None, ("network.norm=batch_norm", "train.epochs=3", "train.epochs=9")),
        ("more without network.norm", "more", None, ("network.act=relu", "train.epochs=3", "train.epochs=9")),
        ("more without train.epochs", "more", None, ("network.act=relu", "network.norm=batch_norm")),
    ]
