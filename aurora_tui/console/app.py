"""The console: puts the Situation on screen, takes keys, and never looks healthy when it hears nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from aurora_tui.console import endings
from aurora_tui.console.bindings import EVERYWHERE, carried_out, help_lines
from aurora_tui.console.board import MESSAGE_SECONDS, PANELS, Board
from aurora_tui.console.dialog import Content, Details
from aurora_tui.console.feed import Feed
from aurora_tui.console.following import Following
from aurora_tui.console.panel import Panel
from aurora_tui.console.pulse import Pulse
from aurora_tui.settings import Settings
from aurora_tui.situation.runbook import Runbook

if TYPE_CHECKING:
    from aurora_tui.console.acting.desk import Desk
    from aurora_tui.console.acting.flow import Acting
    from aurora_tui.situation.situation import Situation


class AuroraApp(Board):
    """The full-screen console.

    `make_feed` is called after the first paint, in a thread without an event loop: it may take its time to
    import, and must only construct. So is `make_desk`, at the first key that acts; without it none does.
    `ready_after`: real seconds from the first Situation after which it is made without a key; None: never.
    `monotonic` is real time that never jumps (tests hold it still).
    """

    TITLE = "aurora-tui"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = EVERYWHERE

    def __init__(
        self,
        settings: Settings,
        make_feed: Callable[[], Feed],
        *,
        make_desk: Callable[[], Desk] | None = None,
        ready_after: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings, Pulse(monotonic, settings.clock.speed))
        self.monotonic = monotonic
        self._make_desk = make_desk
        self._ready_after = ready_after if make_desk is not None and not settings.read_only else None
        self._readying: asyncio.Task[None] | None = None
        self._runbooks = carried_out(settings.mission.runbook) if make_desk is not None else {}
        self._able = frozenset(self._runbooks)
        self._later = {key: word for key, word in self._actions.items() if key not in self._runbooks}
        self.following = Following(self, settings, make_feed)
        self.farewell: str | None = None  # for stderr, once the terminal is itself again

    # Living -----------------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Paint what is known, which is nothing, and say so; everything else comes behind the first paint."""
        for key in self._later:
            self.bind(key, f"later('{key}')", description=f"{self._later[key]} (comes later)", show=False)
        for key, runbook in self._runbooks.items():
            self.bind(key, f"act('{key}')", description=runbook.title, show=False)
        self.theme_changed_signal.subscribe(self, lambda _: self._change_palette())
        self.panel("slo").focus()
        self._extent = self.size
        self._place()
        self.draw()
        self.set_interval(1.0, self._second)
        if not self.is_headless:
            endings.watch(self.leave)
        self.call_after_refresh(self._after_first_paint)

    def _second(self) -> None:
        if self._acting is not None:
            self._acting.tick()
        self.draw()

    def _after_first_paint(self) -> None:
        self.following.start()
        if self._problems:
            self.say("; ".join(self._problems), seconds=2 * MESSAGE_SECONDS)

    async def on_unmount(self) -> None:
        """Let the feed go; asyncio would wait for ever for what does not stop when it is told to."""
        if self._readying is not None:
            self._readying.cancel()
        acting_ended = self._acting is None or await self._acting.stop()
        if not (await self.following.stop() and acting_ended) and not self.is_headless:
            endings.end_soon(self.return_code or 0)

    # Hearing ----------------------------------------------------------------------------------------------------

    def tell(self, situation: Situation) -> None:
        """A new Situation, drawn soon; with the next second when nothing but time went by."""
        if self.pulse.told(situation):
            self.draw_soon()
        if self._ready_after is not None and self._readying is None:
            from aurora_tui.console.readying import ready

            self._readying = asyncio.create_task(ready(self.pulse, lambda: self.acting, self._ready_after))

    def feed_stopped(self, why: str) -> None:
        """The feed is no more: the screen says so from now on."""
        self.pulse.stopped(why)
        self.draw()

    def leave(self, code: int, message: str | None = None) -> None:
        """End with an exit code and a last word on stderr."""
        self.farewell = message
        self.exit(return_code=code)

    def on_panel_touched(self) -> None:
        """A cursor moved."""
        self.draw()

    def on_details_touched(self) -> None:
        """The details were scrolled."""
        self.draw()

    # Keys -------------------------------------------------------------------------------------------------------

    def on_panel_opened(self, event: Panel.Opened) -> None:
        """Enter on a row."""
        from aurora_tui.console.opening import open_subject

        open_subject(self, event.row.subject)

    def show_details(self, content: Content, seek: str | None = None) -> None:
        """Open the layer."""
        focused = self.screen_stack[0].focused
        if isinstance(focused, Panel):
            self._opened_from = focused.id
        self.details.open_with(content, seek)
        self.draw()

    _opened_from: str | None = None

    def on_details_closed(self) -> None:
        """Back to the panel they were opened from."""
        self.action_panel(self._opened_from or "slo")

    def action_panel(self, name: str) -> None:
        """Focus a panel; details that lie over it close."""
        self.details.close_details()
        self.panel(name).focus()
        self.draw()

    def action_focus_next(self) -> None:
        """The next panel."""
        self._cycle(1)

    def action_focus_previous(self) -> None:
        """The panel before."""
        self._cycle(-1)

    def _cycle(self, by: int) -> None:
        focused = self.screen_stack[0].focused
        name = focused.id if isinstance(focused, Panel) else self._opened_from
        at = PANELS.index(name) if name in PANELS else -by
        self.action_panel(PANELS[(at + by) % len(PANELS)])

    def action_why(self) -> None:
        """Every reason and every source."""
        from aurora_tui.console.opening import open_why

        open_why(self)

    def action_log(self) -> None:
        """The log of the pod under the cursor."""
        from aurora_tui.console.opening import open_log

        focused = self.screen_stack[0].focused
        open_log(self, focused.row.subject if isinstance(focused, Panel) and focused.row else None)

    def action_every_pod(self) -> None:
        """Every pod and alert by itself, or only pods that are not well, and many of a kind as one."""
        self._everything = not self._everything
        one, other = "every pod is listed, and every alert by itself", "only pods that are not well are listed"
        self.say(one if self._everything else other)

    def action_help(self) -> None:
        """The keys."""
        groups = (("EVERYWHERE", EVERYWHERE), ("IN A PANEL", Panel.BINDINGS), ("IN DETAILS", Details.BINDINGS))
        self.show_details(lambda cells: ("HELP", help_lines(groups, self._later, cells, [*self._runbooks.values()])))

    def action_next_theme(self) -> None:
        """The next theme."""
        names = list(self._themes)
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.say(f"theme {self.theme}")

    def action_later(self, key: str) -> None:
        """A key that does nothing yet, and says so."""
        word = self._later[key]
        read_only = " This console is read-only." if self.settings.read_only else ""
        self.say(f"{key}: {word} comes with a later version.{read_only} Nothing was done.")

    def on_layer_touched(self) -> None:
        """Something was typed into the layer, or it was scrolled."""
        self.draw()

    # Acting -----------------------------------------------------------------------------------------------------

    async def action_act(self, key: str) -> None:
        """Open the confirmation of a runbook."""
        runbook = self._runbooks[key]
        if runbook.environments and self.settings.environment_name not in runbook.environments:
            where = ", ".join(runbook.environments)
            self.say(f"{key}: {runbook.title} is for {where}, and this is {self.settings.environment_name}. Refused.")
            return
        await self._confirm(key, runbook)

    async def action_restart(self) -> None:
        """Restart the deployment under the cursor."""
        await self._act_on_row("r", "restart", "deployment")

    async def action_delete_pod(self) -> None:
        """Delete the pod under the cursor."""
        await self._act_on_row("d", "delete_pod", "pod")

    async def _act_on_row(self, key: str, what: str, kind: str) -> None:
        from aurora_tui.console.acting import ad_hoc
        from aurora_tui.situation.workload import DeploymentStatus, PodStatus

        focused = self.screen_stack[0].focused
        subject = focused.row.subject if isinstance(focused, Panel) and focused.row else None
        watched = self.settings.environment.cluster
        if not isinstance(subject, DeploymentStatus if kind == "deployment" else PodStatus):
            self.say(f"{key}: no {kind} under the cursor. Go to the workloads (3) and choose one.")
        elif watched is None or subject.namespace != watched.namespace:
            self.say(f"{key}: {subject.name} is in another namespace than this console acts in. Refused.")
        elif isinstance(subject, DeploymentStatus):
            await self._confirm(key, ad_hoc.restart(subject))
        elif isinstance(subject, PodStatus):
            await self._confirm(key, ad_hoc.delete_pod(subject))

    async def _confirm(self, key: str, runbook: Runbook) -> None:
        if self.settings.read_only:
            self.say(f"{key}: {runbook.title} is refused. This console is read-only. Nothing was done.")
        elif self._make_desk is None:
            self.say(f"{key}: {runbook.title} comes with a later version. Nothing was done.")
        else:
            await self.acting.confirm(runbook)

    async def action_runs(self) -> None:
        """The run that is under way, or the runs there were."""
        await self.acting.show_runs()

    @property
    def acting(self) -> Acting:
        """The layer that acting happens on, loaded when first wanted."""
        if self._acting is None:
            from aurora_tui.console.acting.flow import Acting

            self._acting = Acting(self, self._make_desk)
        return self._acting

    def cover(self) -> None:
        """The layer is about to be over everything."""
        focused = self.screen_stack[0].focused
        if isinstance(focused, Panel):
            self._opened_from = focused.id
        self.details.close_details()

    def uncover(self) -> None:
        """The layer is gone: back to the panel."""
        self.action_panel(self._opened_from or "slo")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is being confirmed, no key of the console's own works, whoever has the focus."""
        return action in ("quit", "help_quit") if self._acting is not None and self._acting.open else True

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        yield SystemCommand("Why this verdict", "Every reason and every source", self.action_why)
        yield SystemCommand("Every pod", "List every pod and alert, or only what is not well", self.action_every_pod)
        yield SystemCommand("Theme", "Choose a theme", self.action_change_theme)
        yield SystemCommand("Help", "The keys", self.action_help)
        yield SystemCommand("Quit", "Leave the console", self.action_quit)
