"""The control endpoint: what tests and drill masters ask of a running world.

POST /control/events takes one event in the scenario's vocabulary, to happen now; GET /control/state tells how the world
is.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from aurora_tui.drill.scenario import Event, event_of
from aurora_tui.errors import AuroraError


def control_app(apply: Callable[[Event], Awaitable[None]], state: Callable[[], dict[str, object]]) -> web.Application:
    """apply: lets an event happen. state: what GET /control/state answers."""

    async def post_event(request: web.Request) -> web.Response:
        try:
            event = event_of(json.loads(await request.read()))
            await apply(event)
        except ValueError as error:
            return web.json_response({"error": f"not JSON: {error}"}, status=400)
        except AuroraError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(state())

    async def get_state(request: web.Request) -> web.Response:
        return web.json_response(state())

    app = web.Application()
    app.router.add_post("/control/events", post_event)
    app.router.add_get("/control/state", get_state)
    return app
