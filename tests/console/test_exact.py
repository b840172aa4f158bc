"""The private names of Textual that exact repaints, quiet crashes and the patient driver hang on."""

from __future__ import annotations

import inspect
import queue
from io import StringIO

from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.strip import Strip

from aurora_tui.console.app import AuroraApp
from aurora_tui.console.exact import Exact
from aurora_tui.console.patience import PatientDriver
from tests.console import situations as made_up
from tests.console.situations import MadeUpFeed


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


def test_the_terminals_output_waits_in_the_queue_that_the_patient_driver_looks_at() -> None:
    writer = WriterThread(StringIO())
    assert isinstance(writer._queue, queue.Queue)
    assert writer._queue.maxsize == 30
    assert "self._writer_thread = WriterThread(" in inspect.getsource(LinuxDriver.start_application_mode)
    assert "_writer_thread" in inspect.getsource(LinuxDriver.__init__)
    assert AuroraApp(made_up.settings(), lambda: MadeUpFeed(None)).driver_class is PatientDriver
