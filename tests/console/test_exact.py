"""The private names of Textual that exact repaints and quiet crashes hang on."""

from __future__ import annotations

import inspect
from io import StringIO

from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.strip import Strip

from aurora_tui.console.exact import Exact


def update(*spans: tuple[int, int, int]) -> ChopsUpdate:
    """Two widgets side by side on one line, of which only `spans` changed."""
    left, right = Strip([Segment("clock 14:02:11Z")]), Strip([Segment("quiet part")])
    return ChopsUpdate([{0: left, 15: right}], list(spans), [[15, 25]])


def rendered(change: ChopsUpdate) -> str:
    return Exact(change).render_segments(Console(file=StringIO(), force_terminal=True, color_system=None))


def test_only_the_cells_of_the_changed_span_are_written() -> None:
    assert rendered(update((0, 13, 14))) == "\x1b[1;14H1"


def test_a_span_over_two_widgets_is_written_from_both() -> None:
    assert rendered(update((0, 14, 18))) == "\x1b[1;15HZ\x1b[1;16Hqui"


def test_textual_still_displays_and_dies_through_the_methods_that_are_overridden() -> None:
    assert list(inspect.signature(App._display).parameters) == ["self", "screen", "renderable"]
    assert list(inspect.signature(App._handle_exception).parameters) == ["self", "error"]
    assert isinstance(App()._exit_renderables, list)
