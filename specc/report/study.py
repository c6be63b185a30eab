"""The results of a study as a table, for a terminal and for Markdown, from study.json alone."""

from collections.abc import Sequence
from typing import Any

from specc.errors import counted
from specc.fit import fitted
from specc.report.columns import Row, columns
from specc.tasks import FIGURES, Figure

RIGHT = (2, 3, 4, 6)
MOST_CLASSES = 12  # that have a column of their own


def figure_of(study: dict[str, Any]) -> Figure:
    """By which trainings were compared."""
    return FIGURES[study["figure"]]


def study_table(study: dict[str, Any]) -> str:
    """The table in columns, with that of the classes and its notes below."""
    lines = columns(study_rows(study), RIGHT)
    if classes := _class_rows(study):
        lines += ["", f"{_of_class(study)} on the validation images, after the last epoch:"]
        lines += columns(classes, range(1, len(classes[0])))
    return "\n".join([*lines, "", *map(fitted, notes(study))])


def study_markdown(study: dict[str, Any]) -> str:
    """The table in Markdown, with its command, its machine and its notes."""
    table = _markdown(study_rows(study), RIGHT)
    if classes := _class_rows(study):
        table += f"\n\n{_of_class(study)} on the validation images, after the last epoch:\n\n"
        table += _markdown(classes, range(1, len(classes[0])))
    listed = "\n".join(f"- {note}" for note in notes(study))
    return f"# {study['file']}\n\n{table}\n\n{listed}\n\n```sh\n{command(study)}\n```\n\n{machine(study)}\n"


def _markdown(rows: Sequence[Row], right: Sequence[int]) -> str:
    rule = ["---:" if column in right else "---" for column in range(len(rows[0]))]
    lines = (rows[0], rule, *rows[1:])
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def notes(study: dict[str, Any]) -> list[str]:
    """What the figures mean, and what failed."""
    variants = study["variants"]
    images = study.get("images")
    measured = max((run["train_images"] for variant in variants for run in variant["runs"]), default=0)
    folds, figure = study["folds"], figure_of(study)
    lines = []
    if images and folds:
        every = f"{images['train'] + images['validation']:,} training images"
        lines.append(f"{every} in {folds} folds: each is validated on once, and the others are trained on")
    elif images:
        lines.append(f"trained on {counted(images['train'], 'image')}; validation: {study['validated_on']}")
    if measured:
        on = counted(measured, "training image")
        lines.append(
            f"training {figure.title}: the final weights on {on} without augmentation; "
            f"validation {figure.title}: after the last epoch"
        )
    lines += _statistics(study)
    lines += [_unpaired(variant, figure) for variant in variants if variant["gain"] and _failed(variant)]
    lines += [f"{variant['name']}: the same spec as {variant['same_as']}" for variant in variants if variant["same_as"]]
    lines += [_failure(variant) for variant in variants if variant["error"]]
    if not study["finished"]:
        lines.append("this study is not finished; run the same command again to continue it")
    return lines


def _statistics(study: dict[str, Any]) -> list[str]:
    """What deviations, intervals and asterisks mean."""
    folds, level = study["folds"], f"{study['confidence']:.0%}"
    each = "fold" if folds else "seed"
    if not folds and len(study["seeds"]) < 2:
        return ["with one seed there is no confidence interval: use --seeds 3"]
    figure = figure_of(study)
    unit = "percentage points of " if figure.unit == "share" else ""
    gain = f"{unit}validation {figure.title} over what it extends, paired by {each}"
    gain = f"{_gain_word(figure)}: {gain}, with its {level} confidence interval (t-test)"
    lines = [f"±: standard deviation over the {each}s; {gain}"]
    lines += [f"the lower the {figure.title}, the better"] if figure.is_error else []
    if folds:
        lines.append(
            f"in parentheses behind a mean over folds: its {level} interval; all intervals are corrected for the "
            "images that the folds share in training (Nadeau and Bengio, 2003)"
        )
    return lines + _chance(study, level)


def _chance(study: dict[str, Any], level: str) -> list[str]:
    """How many comparisons there are, and which of them say more than chance."""
    count = study["comparisons"]
    if not count:
        return []
    corrected = " after Holm's correction; the intervals are not corrected" if count > 1 else ""
    several = f"{count} comparisons" if count > 1 else "1 comparison"
    if any(variant["gain"] and variant["gain"]["more_than_chance"] for variant in study["variants"]):
        return [f"*: more than chance, at {level} over {several}{corrected}"]
    return [f"of {several}, none is more than chance at {level}{corrected}"]


def _failed(variant: dict[str, Any]) -> int:
    return sum(run["error"] is not None for run in variant["runs"])


def _unpaired(variant: dict[str, Any], figure: Figure) -> str:
    """What a gain compares where trainings of a variant failed."""
    gain, runs = variant["gain"], len(variant["runs"])
    shared = f"{gain['pairs']} that it shares with {variant['compared_with']}"
    figures = f"{_number(gain['after'], figure)} against {_number(gain['before'], figure)}"
    what = f"its {_gain_word(figure)} is over the {shared}"
    return f"{variant['name']}: {_failed(variant)} of {runs} trainings failed; {what}: {figures}"


def command(study: dict[str, Any]) -> str:
    """The command line that made the study."""
    import shlex

    return shlex.join(study["command"])


def machine(study: dict[str, Any]) -> str:
    """`NVIDIA H200; specc 0.1.0, torch 2.13.0, Python 3.11.2, Linux`."""
    versions = study["versions"]
    with_what = f"specc {versions['specc']}, torch {versions['torch']}, Python {versions['python']}"
    return f"{study['device_name']}; {with_what}, {study['platform'].partition('-')[0]}"


def mean_text(summary: dict[str, Any] | None, figure: Figure) -> str:
    """`80.2 ± 0.4 %`, or `5.312 ± 0.42` where it is no share: a mean and its deviation."""
    if summary is None:
        return ""
    mean, deviation = summary["mean"], summary["deviation"]
    if figure.unit == "share":
        return f"{mean * 100:.1f}{'' if deviation is None else f' ± {deviation * 100:.1f}'} %"
    return f"{mean:.4g}{'' if deviation is None else f' ± {deviation:.2g}'}"


def interval_text(summary: dict[str, Any] | None, figure: Figure) -> str:
    """` (79.1 to 81.3)`, of a mean."""
    if summary is None or summary["low"] is None:
        return ""
    ends = (summary["low"], summary["high"])
    low, high = (f"{end * 100:.1f}" if figure.unit == "share" else f"{end:.4g}" for end in ends)
    return f" ({low} to {high})"


def gain_text(gain: dict[str, Any] | None, figure: Figure) -> str:
    """`+0.7 (+0.2 to +1.2)`, of a gain and its interval, in percentage points or in the figure's own units."""
    if gain is None:
        return ""
    mean, *ends = (
        "" if gain[name] is None else f"{gain[name] * 100:+.1f}" if figure.unit == "share" else f"{gain[name]:+.3g}"
        for name in ("mean", "low", "high")
    )
    return f"{mean} ({' to '.join(ends)})" if all(ends) else mean


def _number(value: float, figure: Figure) -> str:
    return f"{value * 100:.1f} %" if figure.unit == "share" else f"{value:.4g}"


def _gain_word(figure: Figure) -> str:
    """What a difference is called: that of an error is none that grows."""
    return "change" if figure.is_error else "gain"


def duration(seconds: float) -> str:
    """`34.2 s`, `12 min 05 s`, `3 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def pairs(gain: dict[str, Any] | None, folds: int | None) -> str:
    """`, 3 seeds`: how many pairs a gain compares; with an asterisk where it is more than chance."""
    if gain is None:
        return ""
    count, each = gain["pairs"], "fold" if folds else "seed"
    return f", {count} {each}{'s' if count > 1 else ''}{' *' if gain['more_than_chance'] else ''}"


def study_rows(study: dict[str, Any]) -> list[Row]:
    """The headings, and a row for each variant."""
    figure = figure_of(study)
    headings = ("variant", "extends", "runs", f"training {figure.title}", f"validation {figure.title}")
    rows = [_row(variant, study["folds"], figure) for variant in study["variants"]]
    return [(*headings, _gain_word(figure), "time"), *rows]


def _row(variant: dict[str, Any], folds: int | None, figure: Figure) -> Row:
    against, extends = variant["compared_with"], variant["extends"]
    over = f" over {against}" if variant["gain"] and against != extends else ""
    failed = _failed(variant)
    fine = len(variant["runs"]) - failed
    validation = variant[f"val_{figure.name}"]
    return (
        variant["name"],
        extends or "",
        f"{fine} ({failed} failed)" if failed else str(fine),
        mean_text(variant[f"train_{figure.name}"], figure),
        mean_text(validation, figure) + (interval_text(validation, figure) if folds else ""),
        gain_text(variant["gain"], figure) + over + pairs(variant["gain"], folds),
        duration(variant["seconds"]) if fine else "",
    )


def _class_rows(study: dict[str, Any]) -> list[Row]:
    """The figure of each class, with the interval of its mean: headings, and a row for each variant; [] where the
    study's figure is no mean over classes, or there are too many."""
    variants, figure = study["variants"], figure_of(study)
    names = list(dict.fromkeys(name for variant in variants for name in variant.get("of_classes", {})))
    if not names or len(names) > MOST_CLASSES:
        return []
    rows = [[variant.get("of_classes", {}).get(name) for name in names] for variant in variants]
    cells = [[mean_text(one, figure) + interval_text(one, figure) for one in row] for row in rows]
    return [("variant", *names), *((variant["name"], *row) for variant, row in zip(variants, cells, strict=True))]


def _of_class(study: dict[str, Any]) -> str:
    """What the figures of the classes are called."""
    return {"f1": "F1", "iou": "IoU", "dice": "Dice"}.get(word := figure_of(study).of_class, word.replace("_", " "))


def _failure(variant: dict[str, Any]) -> str:
    which = "fold" if variant["runs"][0].get("fold") else "seed"
    numbers = ", ".join(str(run[which]) for run in variant["runs"] if run["error"])
    return f"{variant['name']}, {which} {numbers}: {variant['error']['code']}, {variant['error']['message']}"
