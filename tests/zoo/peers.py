"""torchvision and timm, for comparing only. They are never a dependency: `make peers` puts them into a folder.

torchvision's compiled operators are built for another torch. No network needs them, so their registration is skipped.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

FOLDER = Path(os.environ.get("SPECC_PEERS", Path(__file__).parents[2] / ".peers"))
LIBRARIES = ("torchvision", "timm")


def are_there() -> bool:
    """Whether both can be imported."""
    if FOLDER.is_dir() and str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return all(find_spec(name) is not None for name in LIBRARIES)


def prepare_imports() -> None:
    """Make both importable. Raises AssertionError where they are not there."""
    assert are_there(), f"there is no torchvision and timm in {FOLDER}: `make peers`"
    _without_operators()


def create(library: str, name: str, has_aux: bool = False) -> nn.Module:
    """A model as the library builds it, without trained weights. has_aux: with its auxiliary classifiers."""
    _without_operators()
    extra: dict[str, Any] = {}
    match library:
        case "torchvision":
            import torchvision

            classifiers = torchvision.models.list_models(module=torchvision.models)
            if name in ("googlenet", "inception_v3"):
                extra = {"init_weights": False, "aux_logits": has_aux}
            elif name not in classifiers:
                extra = {"weights_backbone": None, "aux_loss": has_aux}
            model: nn.Module = torchvision.models.get_model(name, weights=None, **extra)
        case "timm":
            import timm

            extra = {"aux_logits": True} if has_aux else {}
            model = timm.create_model(name, pretrained=False, **extra)
        case _:
            raise AssertionError(library)
    return model


def _without_operators() -> None:
    if "torchvision" in sys.modules:
        return
    register = torch.library.register_fake

    def skip(name: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(name, str) and name.startswith("torchvision::"):
            return lambda function: function
        return register(name, *args, **kwargs)

    torch.library.register_fake = skip
    try:
        import torchvision  # noqa: F401
    finally:
        torch.library.register_fake = register
