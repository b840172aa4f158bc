"""From a path in the mission file to the objects that stand there, and the hash of what was read.

A YAML file, a folder of them, or a folder with a kustomization, which `kubectl kustomize` renders (there is no other
kustomize in Python): in bounded time, from this machine's files alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurora_tui.actions.operation import Reach
from aurora_tui.errors import AuroraError
from aurora_tui.text import safe

Manifest = dict[str, Any]
SECONDS = 20.0  # real: kustomize of files is done in well under one
LARGEST = 4 << 20
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# A remote base would be fetched while somebody waits at 3 a.m., and be another one than yesterday's: git speaks with
# files alone, and for everything else the way out is a door that nobody opens.
_OFFLINE = {"GIT_ALLOW_PROTOCOL": "file", "GIT_TERMINAL_PROMPT": "0", "NO_PROXY": "", "no_proxy": ""} | dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What stands at `path`. `sha256`: of the text that was rendered, in hex. `flag`: how kubectl is told of it."""

    path: Path
    objects: tuple[Manifest, ...]
    sha256: str
    flag: str  # -k or -f


def place_of(path: str, reach: Reach) -> Path:
    """The path of a step, `{environment}` in it filled in."""
    return Path(path.replace("{environment}", reach.settings.environment_name))


async def render(path: Path) -> Rendered:
    """The objects at `path`, in the order that kubectl would take them. AuroraError in words."""
    kustomized = await asyncio.to_thread(lambda: any((path / name).is_file() for name in _KUSTOMIZATIONS))
    text = await _kustomize(path) if kustomized else await asyncio.to_thread(_plain, path)
    objects = await asyncio.to_thread(_objects, text, path)
    if not objects:
        raise AuroraError(f"{path} holds no object at all", "Look at the file.")
    return Rendered(
        path=path,
        objects=objects,
        sha256=hashlib.sha256(text).hexdigest(),
        flag="-k" if kustomized else "-f",
    )


async def _kustomize(path: Path) -> bytes:
    """What `kubectl kustomize` says."""
    kubectl = await asyncio.to_thread(shutil.which, "kubectl")
    if kubectl is None:
        raise AuroraError(
            f"{path} holds a kustomization, and kubectl, which renders it, is not on PATH",
            "Install kubectl (https://kubernetes.io/docs/tasks/tools/), or name a file of plain YAML.",
        )
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            kubectl, "kustomize", str(path), env=os.environ | _OFFLINE, stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe, stderr=pipe, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise AuroraError(f"kubectl cannot be run: {error.strerror or error}", "Install kubectl anew.") from error
    try:
        async with asyncio.timeout(SECONDS):
            told, wrong = await process.communicate()
    except TimeoutError as error:
        raise AuroraError(
            f"kubectl kustomize {path} took longer than {SECONDS:.0f} s", "Run it by hand to see what it waits for."
        ) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = safe(wrong.decode("utf-8", "replace").strip(), 600)
        raise AuroraError(f"kubectl kustomize {path} failed: {said}", "Correct the overlay.")
    return _bounded(told, path)


def _plain(path: Path) -> bytes:
    """The text of a file; of every .yaml, .yml and .json file of a folder, by name."""
    try:
        if path.is_dir():
            names = sorted(one for one in path.iterdir() if one.suffix in (".yaml", ".yml", ".json") and one.is_file())
            return _bounded(b"\n---\n".join(_bounded(one.read_bytes(), one) for one in names), path)
        return _bounded(path.read_bytes(), path)
    except OSError as error:
        raise AuroraError(
            f"{path} cannot be read: {error.strerror or error}", "Write the path relative to the mission file."
        ) from error


def _bounded(text: bytes, path: Path) -> bytes:
    if len(text) > LARGEST:
        raise AuroraError(f"{path} is larger than {LARGEST >> 20} MiB", "Name the manifests of one application.")
    return text


def _objects(text: bytes, path: Path) -> tuple[Manifest, ...]:
    """Every object in the documents, those of a List one by one. AuroraError for what is none, or stands twice."""
    import yaml  # 30 ms that only this needs

    try:
        documents = list(yaml.load_all(text, _loader()))
    except yaml.YAMLError as error:
        raise AuroraError(f"{path} is not readable YAML: {safe(str(error), 400)}", "Correct the file.") from error
    found: list[Manifest] = []
    for document in documents:
        if isinstance(document, dict) and str(document.get("kind", "")).endswith("List") and "items" in document:
            found += document["items"] or []
        elif document is not None:
            found.append(document)
    seen: set[tuple[str, ...]] = set()
    for one in found:
        name = _name_of(one, path)
        if name in seen:
            raise AuroraError(f"{path} holds {name[1]} {name[3]} twice", "Leave one of them.")
        seen.add(name)
    return tuple(found)


def _name_of(one: Any, path: Path) -> tuple[str, ...]:
    meta = one.get("metadata") if isinstance(one, dict) else None
    told = (one.get("apiVersion"), one.get("kind"), meta.get("name")) if isinstance(meta, dict) else ()
    namespace = meta.get("namespace", "") if isinstance(meta, dict) else ""
    if not told or not all(isinstance(each, str) and each for each in (*told, namespace or "-")):
        raise AuroraError(f"{path} holds something without apiVersion, kind or name", "Name every object in it.")
    return (str(told[0]), str(told[1]), str(namespace or ""), str(told[2]))


def _loader() -> Any:
    """YAML as the API's own tools read it: no dates, no numbers to base 60, no key twice in a table."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Texts that look like dates or times stay texts."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            written = [key for key, _ in node.value if not key.tag.endswith(":merge")]
            keys = [self.construct_object(key, deep=True) for key in written]
            for number, key in enumerate(keys):
                if key in keys[:number]:
                    raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", node.start_mark)
            return super().construct_mapping(node, deep)

    sixty = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
    Loader.yaml_implicit_resolvers = {
        first: [
            (tag, _Without(expression, sixty) if tag.endswith((":int", ":float")) else expression)
            for tag, expression in resolvers
            if not tag.endswith(":timestamp")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


class _Without:
    """A resolver's expression, but for what another one matches whole."""

    def __init__(self, expression: re.Pattern[str], but: re.Pattern[str]) -> None:
        self._expression, self._but = expression, but

    def match(self, text: str) -> object:
        return None if self._but.fullmatch(text) else self._expression.match(text)
