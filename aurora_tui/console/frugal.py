"""For slow lines and bad nights: exact repaints, and a crash that shows no local variables."""

from __future__ import annotations

from rich.console import RenderableType
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.screen import Screen

from aurora_tui.console.exact import Exact


class FrugalDisplay(App[None]):
    """An App that writes only the cells that changed, and keeps an unhandled error for whoever started it.

    Both hang on private names of Textual 8.2.8; tests hold them.
    """

    crash: Exception | None = None

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate):
            renderable = Exact(renderable)
        super()._display(screen, renderable)

    def _handle_exception(self, error: Exception) -> None:
        self.crash = self.crash or error
        super()._handle_exception(error)
        # Textual's own traceback shows local variables, which hold URLs with passwords and tokens.
        self._exit_renderables.clear()
