"""A second consent: deleting a namespace takes whoever lives in it, named or not, so that word is asked for as well."""

from __future__ import annotations

from dataclasses import dataclass

from aurora_tui.actions.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondConsent:
    """What is to be typed besides the environment's word, and what it is about.

    `word`: the namespace's name. `living`: `Kind name` of those that the overlay does not name and that die with the
    namespace; `count` of them, for the list may be cut.
    """

    word: str
    living: tuple[str, ...]
    count: int

    @property
    def question(self) -> str:
        """What is asked, in a line."""
        if not self.count:
            return f"This deletes the namespace {self.word} itself. Nothing else lives in it."
        others = "1 more object lives" if self.count == 1 else f"{self.count} more objects live"
        return f"This deletes the namespace {self.word} itself. {others} in it, and will be gone:"


def second_consent(plan: Plan) -> SecondConsent | None:
    """The second consent that `plan` needs; None when the first is enough.

    A plan can name one namespace alone, the environment's own: every other one is refused.
    """
    for step in plan.steps:
        if not step.already and step.goal.get("namespace") and "others" in step.goal:
            goal = step.goal
            return SecondConsent(word=goal["namespace"], living=tuple(goal["others"]), count=goal["others_count"])
    return None
