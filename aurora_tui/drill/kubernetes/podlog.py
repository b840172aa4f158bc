"""GET of a pod's log: this run's or the one before, the tail of it, with times, and as it is written."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from aurora_tui.clock import iso_micro, parse_iso
from aurora_tui.drill.kubernetes.call import Call
from aurora_tui.drill.kubernetes.kinds import POD
from aurora_tui.drill.kubernetes.logs import HEARTBEAT_SECONDS, Line, Run
from aurora_tui.drill.kubernetes.options import number
from aurora_tui.drill.kubernetes.status import bad_request

_TEXT = {"Content-Type": "text/plain", "Cache-Control": "no-cache, private"}


def _run(call: Call, query: Mapping[str, str]) -> Run:
    """The run whose log is asked for; Refused 400 when the container has none."""
    pod = call.cluster.registry.find(POD, call.home, call.target.name).thing
    names = [container["name"] for container in pod["spec"]["containers"]]
    wanted = query.get("container") or (names[0] if len(names) == 1 else "")
    if not wanted:
        raise bad_request(
            f"a container name must be specified for pod {call.target.name}, choose one of: [{' '.join(names)}]"
        )
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {call.target.name}")
    life = call.cluster.kubelets.lives.get((call.home, call.target.name))
    if query.get("previous") in ("true", "1"):
        run = _previous(life.log.current, life.log.previous) if life and wanted == names[0] else None
        if run is None:
            raise bad_request(f'previous terminated container "{wanted}" in pod "{call.target.name}" not found')
        return run
    if life is None or life.log.current is None:
        reason = "ContainerCreating"
        for status in pod["status"].get("containerStatuses", ()):
            reason = status["state"].get("waiting", {}).get("reason", reason) if status["name"] == wanted else reason
        why = "trying and failing to pull image" if "Image" in reason else reason
        raise bad_request(f'container "{wanted}" in pod "{call.target.name}" is waiting to start: {why}')
    return life.log.current if wanted == names[0] else Run(life.began)


def _previous(current: Run | None, previous: Run | None) -> Run | None:
    """While a crashed container backs off, the run that ended last is both the current and the previous one."""
    return current if current is not None and current.ended is not None else previous


def _text(lines: list[Line], times: bool) -> bytes:
    return "".join((f"{iso_micro(at)} {text}\n" if times else f"{text}\n") for at, text in lines).encode()


async def serve(call: Call) -> web.StreamResponse:
    """The log as text; with follow=true until the container ends or the client leaves."""
    query, cluster = call.request.query, call.cluster
    run = _run(call, query)
    since = 0.0
    if "sinceSeconds" in query:
        since = cluster.now() - number(query, "sinceSeconds")
    elif "sinceTime" in query:
        since = parse_iso(query["sinceTime"])
    told = cluster.now()
    lines = run.lines(told, since)
    if "tailLines" in query:
        tail = number(query, "tailLines")
        lines = lines[-tail:] if tail else []
    times = query.get("timestamps") in ("true", "1")
    if query.get("follow") not in ("true", "1"):
        return web.Response(body=_text(lines, times), headers=_TEXT)
    response = web.StreamResponse(headers=_TEXT)
    await response.prepare(call.request)
    try:
        await response.write(_text(lines, times))
        while run.ended is None and not cluster.closed:
            await cluster.sleep(HEARTBEAT_SECONDS / 3)
            now = cluster.now()
            fresh = [line for line in run.lines(now, told) if line[0] > told]
            told = now
            if call.request.transport is None or call.request.transport.is_closing():
                break
            if fresh:
                await response.write(_text(fresh, times))
    except ConnectionResetError:
        pass  # the client has left: nobody to tell
    return response
