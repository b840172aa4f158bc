"""The real desk, as the dialog speaks to it. Imported in a thread, behind a filled screen or at a key that acts."""

from __future__ import annotations

import asyncio
from typing import Any

from aurora_tui.actions.consent import second_consent
from aurora_tui.actions.desk import Asked
from aurora_tui.actions.desk import Desk as ActionsDesk
from aurora_tui.actions.plan import Cluster, Plan
from aurora_tui.console.acting.desk import SecondConsent, Wish
from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings
from aurora_tui.situation.situation import Situation


class RealDesk:
    """Turns wishes into what `actions` asks for, and its answers into what is shown."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._desk = ActionsDesk(settings)
        self._seen: Cluster | None = None
        self._recognised = False
        self._recognising = asyncio.Lock()

    async def recognise(self, situation: Situation | None) -> None:
        """Learn, once, which cluster the console is about; it must be the one whose context is on the screen."""
        async with self._recognising:
            if self._recognised:
                return
            found = await self._desk.identify()
            shown = situation.cluster if situation is not None else None
            if found is not None and shown is not None and found.context != shown:
                other, self._desk = self._desk, ActionsDesk(self._settings)  # it holds to what it saw first
                await other.close()
                raise AuroraError(
                    f"The screen shows context {shown}, and the kubeconfig now leads to {found.context}",
                    "Leave this console and open another one, or go back: kubectl config use-context.",
                )
            self._seen, self._recognised = found, True

    async def plan(self, wish: Wish) -> Plan:
        """What it would do now."""
        await self.recognise(wish.situation)
        how: dict[str, Any] = {
            "ground": wish.ground,
            "on_what_we_know": wish.blind_accepted,
            "override": wish.override,
            "take_over": wish.take_over,
            "seen": self._seen,
        }
        if wish.inverse_of is not None:
            return await self._desk.plan_inverse(wish.inverse_of, wish.situation, **how)
        if wish.runbook is None:
            raise AuroraError("There is nothing to plan", "Choose a runbook.")
        return await self._desk.plan(Asked(runbook=wish.runbook, choice=wish.choice, **how), wish.situation)

    async def stale(self, plan: Plan) -> str | None:
        """What changed since."""
        return await self._desk.stale(plan)

    async def second_consent(self, plan: Plan) -> SecondConsent | None:
        """What else must be consented to."""
        found = second_consent(plan)
        if found is None:
            return None
        more = found.count - len(found.living)
        rest = (*found.living, f"… and {more} more") if more > 0 else found.living
        recorded = f"consented to the deletion of namespace {found.word} with {found.count} objects that nobody named"
        return SecondConsent(title=found.question, word=found.word, recorded=recorded, rest=rest)

    async def approve(self, plan: Plan, reason: str, forced: tuple[str, ...] = ()) -> str:
        """Put it in the ledger and let it be carried out."""
        return await self._desk.approve(plan, reason, forced)

    async def cancel(self, run: str) -> None:
        """Ask for no further step."""
        await self._desk.cancel(run)

    async def resume(self, run: str) -> None:
        """Carry on."""
        await self._desk.resume(run)

    async def abandon(self, run: str, reason: str) -> None:
        """Close it as it stands."""
        await self._desk.abandon(run, reason)

    async def close(self) -> None:
        """Cut its connection."""
        await self._desk.close()
