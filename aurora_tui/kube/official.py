"""Single modules of the official `kubernetes` package, without the rest of it.

Only `kubernetes.aio.client.rest` and `.configuration` are wanted. The packages they stand in import every part of
the client in their `__init__` (pydantic, oauth, the informers): 0.12 to 0.18 s and 14 MB against 6 ms and 0.6 MB
(37.0.2, 2 cores, aiohttp loaded before). So the modules are executed from their files, and what they import of
their own package is found the same way.

Nothing of it ever stands in `sys.modules`: whoever imports `kubernetes`, in whichever thread and at whichever
moment, gets the real one. And what is not where it is expected is imported the ordinary way.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGE = "kubernetes"
_LOADING = threading.RLock()
_loaded: dict[str, ModuleType] = {}


def client_module(name: str) -> Any:
    """`kubernetes.aio.client.NAME`; ImportError when it cannot be had in either way."""
    whole = f"{_PACKAGE}.aio.client.{name}"
    if whole in sys.modules:
        return importlib.import_module(whole)
    return _alone(whole) or importlib.import_module(whole)


def _alone(name: str) -> ModuleType | None:
    """The module `name`, executed from its file; None when it is not there or does not work alone."""
    with _LOADING:
        file = None if name in _loaded else _file(name)
        if file is None:
            return _loaded.get(name)
        loader = SourceFileLoader(name, str(file))
        module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(file)))
        # A module's own `__import__` is what its import statements call, at any time:
        # https://docs.python.org/3/reference/import.html#the-import-statement
        module.__dict__.update(__file__=str(file), __builtins__={**vars(builtins), "__import__": _import})
        _loaded[name] = module  # before it runs, so that modules may import each other
        try:
            loader.exec_module(module)
        except (ImportError, AttributeError, KeyError, OSError):
            # It leans on its package in a way not foreseen here; were it broken, the ordinary import would say so.
            del _loaded[name]
            return None
        return module


def _file(name: str) -> Path | None:
    package = importlib.util.find_spec(_PACKAGE)
    places = (package.submodule_search_locations or ()) if package else ()
    files = (Path(place, *name.split(".")[1:]).with_suffix(".py") for place in places)
    return next((file for file in files if file.is_file()), None)


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """As `__import__`, but `from kubernetes.some.module import …` finds the module alone."""
    whole = name
    if level and globals is not None:
        whole = importlib.util.resolve_name("." * level + name, str(globals["__package__"]))
    if fromlist and whole.startswith(f"{_PACKAGE}."):
        found = _alone(whole)
        if found is not None:
            return found
    return builtins.__import__(name, globals, locals, fromlist or (), level)
