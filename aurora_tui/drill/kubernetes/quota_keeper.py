"""Quotas kept: their status says what is used, and no pod is made beyond them."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.drill.kubernetes import quotas
from aurora_tui.drill.kubernetes.admission import Attempt
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import POD, RESOURCE_QUOTA
from aurora_tui.drill.kubernetes.store import Change, Key, Object


class QuotaKeeper:
    """The quota controller, and the judge of every pod that is created."""

    kinds = frozenset({RESOURCE_QUOTA, POD})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def judge(self, attempt: Attempt) -> None:
        """Refused 403 when a quota of the namespace does not allow the pod."""
        if attempt.kind is not POD or attempt.subresource or attempt.thing is None:
            return
        for quota in self._tools.store.entries(RESOURCE_QUOTA, attempt.namespace):
            refused = quotas.refusal(quota.thing, attempt.thing, self._pods(attempt.namespace))
            if refused is not None:
                raise refused

    def concerns(self, change: Change) -> Iterable[Key]:
        """A quota; all of a namespace when a pod comes, goes or is over."""
        if change.kind is RESOURCE_QUOTA:
            return (change.key,)
        same = change.before is not None and quotas.counts(change.before.thing) == quotas.counts(change.after.thing)
        if same and not change.gone:
            return ()
        home = change.key[0]
        return [(home, quota.thing["metadata"]["name"]) for quota in self._tools.store.entries(RESOURCE_QUOTA, home)]

    def sync(self, key: Key) -> None:
        """Count what is used."""
        quota = self._tools.store.get(RESOURCE_QUOTA, *key)
        if quota is None:
            return
        hard = quota.thing["spec"].get("hard") or {}
        used = {name: quotas.shown(name, amount) for name, amount in quotas.used(hard, self._pods(key[0])).items()}
        status = {"hard": hard, "used": used} if hard else {}
        self._tools.registry.write(RESOURCE_QUOTA, quota, quota.but(status=status))

    def _pods(self, namespace: str) -> list[Object]:
        return [entry.thing for entry in self._tools.store.entries(POD, namespace)]
