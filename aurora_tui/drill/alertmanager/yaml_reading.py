"""YAML as Alertmanager's decoder reads it (go-yaml 2, strict): every unknown or doubled key and wrong type, by line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml

_SHOWN = 10  # go-yaml cuts longer scalars in its messages


class BadConfiguration(Exception):
    """Why a file is no configuration, in Alertmanager's words."""


class Strict:
    """Reads nodes into plain values and collects what is wrong with them; `finish` tells it."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def finish(self) -> None:
        """BadConfiguration when anything was wrong."""
        if self.problems:
            raise BadConfiguration("yaml: unmarshal errors:\n" + "\n".join(f"  {each}" for each in self.problems))

    def mapping(
        self, node: yaml.Node, known: Collection[str], type: str = "config.plain"
    ) -> Iterator[tuple[str, yaml.Node]]:
        """The keys and values, unknown keys left out. type: what Go calls the structure.

        One at a time, so that what is wrong within a value is told before what is wrong after it.
        """
        if _is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self._mistyped(node, type)
            return
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name not in known:
                self.problems.append(f"line {_line(key)}: field {name} not found in type {type}")
            elif name in seen:
                self.problems.append(f"line {_line(key)}: field {name} already set in type {type}")
            else:
                seen.add(name)
                yield name, value

    def sequence(self, node: yaml.Node | None, type: str) -> list[yaml.Node]:
        if node is None or _is_null(node):
            return []
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._mistyped(node, type)
        return []

    def text(self, node: yaml.Node | None) -> str:
        """Any scalar is text to Go, as it is written."""
        if node is None or _is_null(node):
            return ""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self._mistyped(node, "string")
        return ""

    def texts(self, node: yaml.Node | None) -> list[str]:
        """A list of texts; one text alone counts as a list of one."""
        if isinstance(node, yaml.ScalarNode) and not _is_null(node):
            return [str(node.value)]
        return [self.text(each) for each in self.sequence(node, "[]string")]

    def truth(self, node: yaml.Node | None) -> bool:
        if node is None or _is_null(node):
            return False
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":bool"):
            return str(node.value).lower() in {"true", "yes", "on", "y"}
        self._mistyped(node, "bool")
        return False

    def _mistyped(self, node: yaml.Node, type: str) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        shown = ""
        if isinstance(node, yaml.ScalarNode):
            text = str(node.value)
            shown = f" `{text if len(text) <= _SHOWN else text[: _SHOWN - 3] + '...'}`"
        self.problems.append(f"line {_line(node)}: cannot unmarshal {tag}{shown} into {type}")


def compose(text: str) -> yaml.Node | None:
    """The document's node; None for an empty one. BadConfiguration when it is no YAML."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise BadConfiguration(f"yaml: {error}") from error


def written(document: Mapping[str, Any]) -> str:
    """The document as go-yaml writes it."""
    text: str = yaml.dump(dict(document), Dumper=_GoDumper, sort_keys=False, allow_unicode=True, width=10**6)
    return text


class _GoDumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML comes without types
    """Writes aliases out, and texts that look like something else in double quotes."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    plain = dumper.resolve(yaml.ScalarNode, value, (True, False)) == "tag:yaml.org,2002:str"
    style = "|" if "\n" in value else None if plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


_GoDumper.add_representer(str, _text)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and str(node.tag).endswith(":null")
