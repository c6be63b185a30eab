"""Write the table of published weights, specc/zoo/weights.json, from the tables of torchvision and timm.

    make peers && python benchmarks/pretrained.py

Both libraries list, for each set of weights, its address, its license and the preprocessing that it was evaluated with.
torchvision's files carry the first 8 digits of their SHA-256 in their names. timm's lie on a hub, under the name of the
set; what is not a plain state dict there is left out.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specc.zoo import families
from tests.zoo.peers import prepare_imports

ZOO = Path(__file__).parents[1] / "specc" / "zoo"
# torchvision turns their inputs, normalized as ImageNet's, back to pixels from -1 to 1 (`transform_input`).
TRANSFORMED = ("googlenet", "inception_v3")
# What timm calls so has the names and shapes of a model of the zoo, and computes otherwise.
LOOKALIKES = {
    "efficientnet_lite0": ("efficientnet_lite0", "pads evenly, and has eps=1e-5"),
    **{f"tf_efficientnet_b{i}": (f"efficientnet_b{i}", "pads as TensorFlow does, and has eps=1e-3") for i in range(8)},
    "resnetaa50": ("resnet50", "averages before it strides"),
    "resnetaa50d": ("resnet50d", "averages before it strides"),
    "seresnextaa101d_32x8d": ("seresnext101d_32x8d", "averages before it strides"),
}
HUB = "https://huggingface.co/{}/resolve/main/model.safetensors"


def main() -> None:
    prepare_imports()
    table: dict[str, Any] = {}
    for family in families().values():
        for naming in family.namings:
            for model, called in naming.models.items():
                table |= dict(_of_torchvision(model, called)) if "torchvision" in naming.libraries else {}
                table |= dict(_of_timm(model, called)) if "timm" in naming.libraries else {}
    lines = [f"  {json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table)]
    (ZOO / "weights.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    _write_lookalikes()
    _write_classes()
    print(f"{len(table)} sets of weights for {len({one['model'] for one in table.values()})} models")


def _of_torchvision(model: str, called: str) -> Iterator[tuple[str, Any]]:
    import torchvision

    for weights in torchvision.models.get_model_weights(called):
        transforms, meta = weights.transforms(), weights.meta
        metrics = {name: value for one in meta["_metrics"].values() for name, value in one.items()}
        crop = getattr(transforms, "crop_size", None)
        side = transforms.resize_size[0]
        digits = re.search(r"-([0-9a-f]{8})\.pth$", weights.url)
        yield (
            f"torchvision/{called}.{weights.name}",
            {
                "model": model,
                "library": "torchvision",
                "url": weights.url,
                "sha256": digits[1] if digits else "",
                "license": meta.get("license", "BSD-3-Clause, as torchvision"),
                "classes": _classes(meta["categories"]),
                "accuracy": metrics.get("acc@1", metrics.get("miou")),
                "resize": _resize(side, transforms.interpolation.value),
                "view": f"{crop[0]}x{crop[0]}" if crop else f"{side}x{side}",
                "mean": [0.5] * 3 if called in TRANSFORMED else list(transforms.mean),
                "std": [0.5] * 3 if called in TRANSFORMED else list(transforms.std),
            },
        )


def _of_timm(model: str, called: str) -> Iterator[tuple[str, Any]]:
    import timm
    from timm.models import get_pretrained_cfg

    for name in timm.list_pretrained(f"{called}.*"):
        config = get_pretrained_cfg(name)
        if not config.hf_hub_id or config.custom_load or config.num_classes != len(_imagenet()):
            continue
        side = config.input_size[1]
        yield (
            f"timm/{name}",
            {
                "model": model,
                "library": "timm",
                "url": HUB.format(config.hf_hub_id if "/" in config.hf_hub_id else f"timm/{config.hf_hub_id}"),
                "sha256": "",
                "license": config.license or "not stated",
                "classes": "imagenet",
                "accuracy": None,
                "resize": _resize(round(side / config.crop_pct), config.interpolation),
                "view": f"{side}x{side}",
                "mean": list(config.mean),
                "std": list(config.std),
            },
        )


def _write_lookalikes() -> None:
    """Published weights with the names and shapes of a model of the zoo, whose own network computes otherwise."""
    import timm
    from timm.models import get_pretrained_cfg

    table = {}
    for called, (model, differs) in LOOKALIKES.items():
        for name in timm.list_pretrained(f"{called}.*"):
            digits = re.search(r"-([0-9a-f]{8})\.pth$", get_pretrained_cfg(name).url or "")
            table[f"timm/{name}"] = {"model": model, "differs": differs, "sha256": digits[1] if digits else ""}
    lines = [f"  {json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table)]
    (ZOO / "lookalikes.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _resize(side: int, by: str) -> str:
    return f"cover({side}x{side})" if by == "bilinear" else f"cover({side}x{side}, by={by})"


def _imagenet() -> list[str]:
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    return list(_IMAGENET_CATEGORIES)


def _voc() -> list[str]:
    from torchvision.models._meta import _VOC_CATEGORIES

    return list(_VOC_CATEGORIES)


def _classes(names: list[str]) -> str:
    return "imagenet" if names == _imagenet() else "voc" if names == _voc() else ""


def _write_classes() -> None:
    text = json.dumps({"imagenet": _imagenet(), "voc": _voc()}, ensure_ascii=False, indent=0)
    (ZOO / "classes.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
