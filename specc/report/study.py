"""The results of a study as a table, for a terminal and for Markdown, from study.json alone."""

from typing import Any

HEADINGS = ("variant", "extends", "runs", "training accuracy", "validation accuracy", "gain", "time")
RIGHT = (2, 3, 4, 6)


def study_table(study: dict[str, Any]) -> str:
    """The table in columns, with its notes below."""
    rows = [HEADINGS, *(_row(variant, study["folds"]) for variant in study["variants"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    lines = [
        "  ".join(
            f"{cell:>{width}}" if column in RIGHT else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", *notes(study)])


def study_markdown(study: dict[str, Any]) -> str:
    """The table in Markdown, with its command, its machine and its notes."""
    rule = ["---:" if column in RIGHT else "---" for column in range(len(HEADINGS))]
    rows = [HEADINGS, rule, *(_row(variant, study["folds"]) for variant in study["variants"])]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    listed = "\n".join(f"- {note}" for note in notes(study))
    return f"# {study['file']}\n\n{table}\n\n{listed}\n\n```sh\n{command(study)}\n```\n\n{machine(study)}\n"


def notes(study: dict[str, Any]) -> list[str]:
    """What the figures mean, and what failed."""
    variants = study["variants"]
    images = study.get("images")
    measured = max((run["train_images"] for variant in variants for run in variant["runs"]), default=0)
    folds = study["folds"]
    lines = []
    if images and folds:
        every = f"{images['train'] + images['validation']:,} training images"
        lines.append(f"{every} in {folds} folds: each is validated on once, and the others are trained on")
    elif images:
        lines.append(f"trained on {images['train']:,} images; validation: {study['validated_on']}")
    if measured:
        lines.append(
            f"training accuracy: the final weights on {measured:,} training images without augmentation; "
            "validation accuracy: after the last epoch"
        )
    lines += _statistics(study)
    lines += [_unpaired(variant) for variant in variants if variant["gain"] and _failed(variant)]
    lines += [_sample(variant) for variant in variants if variant["name"].startswith("sample ")]
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
    gain = f"percentage points of validation accuracy over what it extends, paired by {each}"
    lines = [f"±: standard deviation over the {each}s; gain: {gain}, with its {level} confidence interval (t-test)"]
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


def _unpaired(variant: dict[str, Any]) -> str:
    """What a gain compares where trainings of a variant failed."""
    gain, runs = variant["gain"], len(variant["runs"])
    shared = f"{gain['pairs']} that it shares with {variant['compared_with']}"
    figures = f"{gain['after'] * 100:.1f} % against {gain['before'] * 100:.1f} %"
    return f"{variant['name']}: {_failed(variant)} of {runs} trainings failed; its gain is over the {shared}: {figures}"


def command(study: dict[str, Any]) -> str:
    """The command line that made the study."""
    import shlex

    return shlex.join(study["command"])


def machine(study: dict[str, Any]) -> str:
    """`NVIDIA H200; specc 0.1.0, torch 2.13.0, Python 3.11.2, Linux`."""
    versions = study["versions"]
    with_what = f"specc {versions['specc']}, torch {versions['torch']}, Python {versions['python']}"
    return f"{study['device_name']}; {with_what}, {study['platform'].partition('-')[0]}"


def percent(accuracy: dict[str, Any] | None) -> str:
    """`80.2 ± 0.4 %`, of a mean and its deviation."""
    if accuracy is None:
        return ""
    deviation = "" if accuracy["deviation"] is None else f" ± {accuracy['deviation'] * 100:.1f}"
    return f"{accuracy['mean'] * 100:.1f}{deviation} %"


def interval(accuracy: dict[str, Any] | None) -> str:
    """` (79.1 to 81.3)`, of a mean over folds."""
    if accuracy is None or accuracy["low"] is None:
        return ""
    return f" ({accuracy['low'] * 100:.1f} to {accuracy['high'] * 100:.1f})"


def points(gain: dict[str, Any] | None) -> str:
    """`+0.7 (+0.2 to +1.2)`, of a gain and its interval, in percentage points."""
    if gain is None:
        return ""
    interval = "" if gain["low"] is None else f" ({gain['low'] * 100:+.1f} to {gain['high'] * 100:+.1f})"
    return f"{gain['mean'] * 100:+.1f}{interval}"


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


def _row(variant: dict[str, Any], folds: int | None) -> tuple[str, ...]:
    against, extends = variant["compared_with"], variant["extends"]
    over = f" over {against}" if variant["gain"] and against != extends else ""
    failed = _failed(variant)
    fine = len(variant["runs"]) - failed
    return (
        variant["name"],
        extends or "",
        f"{fine} ({failed} failed)" if failed else str(fine),
        percent(variant["train_accuracy"]),
        percent(variant["val_accuracy"]) + (interval(variant["val_accuracy"]) if folds else ""),
        points(variant["gain"]) + over + pairs(variant["gain"], folds),
        duration(variant["seconds"]) if fine else "",
    )


def _sample(variant: dict[str, Any]) -> str:
    return f"{variant['name']}: " + ", ".join(f"{path} = {value}" for path, value in variant["settings"])


def _failure(variant: dict[str, Any]) -> str:
    which = "fold" if variant["runs"][0].get("fold") else "seed"
    numbers = ", ".join(str(run[which]) for run in variant["runs"] if run["error"])
    return f"{variant['name']}, {which} {numbers}: {variant['error']['code']}, {variant['error']['message']}"
