"""For slow lines and bad nights: exact repaints, no waiting for the terminal, a crash that shows no local variables."""

from __future__ import annotations

from rich.console import RenderableType
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.timer import Timer

from aurora_tui.console.exact import Exact
from aurora_tui.console.patience import PatientDriver

_TRY_AGAIN_AFTER = 0.2  # seconds between looks whether a terminal that fell behind has caught up


class FrugalDisplay(App[None]):
    """An App that writes only the cells that changed, and keeps an unhandled error for whoever started it.

    While the terminal is behind, frames are left out; once it has caught up, one repaints everything.
    All of it hangs on private names of Textual 8.2.8; tests hold them.
    """

    crash: Exception | None = None
    _catching_up: Timer | None = None

    def get_driver_class(self) -> type[Driver]:
        """Ours in place of the terminal's; whatever else was chosen stays."""
        chosen = super().get_driver_class()
        return PatientDriver if chosen is LinuxDriver else chosen

    @property
    def abandoned(self) -> bool:
        """Whether the terminal took nothing more when the console left it."""
        return isinstance(self._driver, PatientDriver) and self._driver.abandoned

    def _catch_up(self) -> None:
        driver = self._driver
        if self._catching_up is not None and isinstance(driver, PatientDriver) and driver.drained:
            self._catching_up.stop()
            self._catching_up = None
            self.screen.refresh()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        driver = self._driver
        if isinstance(driver, PatientDriver) and self._running and driver.behind:
            self._catching_up = self._catching_up or self.set_interval(_TRY_AGAIN_AFTER, self._catch_up)
            return
        if isinstance(renderable, ChopsUpdate):
            renderable = Exact(renderable)
        super()._display(screen, renderable)

    def _handle_exception(self, error: Exception) -> None:
        self.crash = self.crash or error
        super()._handle_exception(error)
        # Textual's own traceback shows local variables, which hold URLs with passwords and tokens.
        self._exit_renderables.clear()
