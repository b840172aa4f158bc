"""Where the data that comes with the product lies: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from aurora_tui.errors import AuroraError

_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """The bundled file `name`, for example `ops/aurora.toml`. AuroraError when the installation lacks it."""
    return _first(name, [path for path in _places(name) if path.is_file()])


def bundled_dir(name: str) -> Path:
    """The bundled folder `name`, for example `themes` or `ops/scenarios`. AuroraError as `bundled`."""
    return _first(name, [path for path in _places(name) if path.is_dir()])


def _places(name: str) -> list[Path]:
    """Where `name` may be. The package's neighbours count only in a checkout: in an installation they are others'."""
    checkout = _PACKAGE.parent
    roots = [checkout, _PACKAGE / "_data"] if (checkout / "pyproject.toml").is_file() else [_PACKAGE / "_data"]
    return [root / name for root in roots]


def _first(name: str, found: list[Path]) -> Path:
    if not found:
        raise AuroraError(f"{name} is missing from this installation ({_PACKAGE})", "Install aurora-tui again.")
    return found[0]
