"""The kinds of deeds: each module here that has a ``KIND`` is one."""

import importlib
import pkgutil

from scripts.crashes.deeds import Kind


def all_kinds() -> dict[str, Kind]:
    """Returns each kind by its name."""
    modules = (
        importlib.import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    )
    kinds: list[Kind] = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.name: kind for kind in kinds}
