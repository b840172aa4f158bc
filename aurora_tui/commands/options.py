"""The options every command that reads the settings shares: which files, which environment, which sources."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aurora_tui.settings import Settings

LoadSettings = Callable[[], "Settings"]

_OPTIONS = (
    click.option(
        "--config",
        "configs",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings to merge over; one that holds [mission] takes the bundled mission's place. Repeatable.",
    ),
    click.option("--env", "environment", metavar="NAME", help="The environment to look at."),
    click.option("--prometheus", metavar="URL", help="Another Prometheus; its authentication stays as configured."),
    click.option("--alertmanager", metavar="URL", help="Another Alertmanager."),
    click.option("--grafana", metavar="URL", help="Another Grafana."),
    click.option("--context", metavar="NAME", help="Another context of the kubeconfig."),
    click.option("--namespace", metavar="NAME", help="Another namespace."),
    click.option("--kubeconfig", metavar="FILE", help="Another kubeconfig."),
    click.option("--treaty", metavar="ID", help="The treaty in focus."),
    click.option("--theme", metavar="NAME", help="The theme of the screen."),
    click.option("--read-only", is_flag=True, help="Look, never act."),
)

# The options that are followed by a value.
VALUED = frozenset(
    {
        *("--config", "--env", "--prometheus", "--alertmanager", "--grafana"),
        *("--context", "--namespace", "--kubeconfig", "--treaty", "--theme", "--screenshot"),
    }
)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the shared options; it gets one argument of them, `load_settings`, to call when it needs them.

    `load_settings()` raises UsageError as `aurora_tui.settings.load` does.
    """

    @functools.wraps(command)
    def with_settings(
        *args: Any,
        configs: tuple[Path, ...],
        environment: str | None,
        prometheus: str | None,
        alertmanager: str | None,
        grafana: str | None,
        context: str | None,
        namespace: str | None,
        kubeconfig: str | None,
        treaty: str | None,
        theme: str | None,
        read_only: bool,
        **kwargs: Any,
    ) -> Any:
        def load_settings() -> Settings:
            from aurora_tui.settings import Overrides, load  # not before it is needed: `--help` stays quick

            overrides = Overrides(
                environment=environment,
                prometheus=prometheus,
                alertmanager=alertmanager,
                grafana=grafana,
                context=context,
                namespace=namespace,
                kubeconfig=kubeconfig,
                treaty=treaty,
                theme=theme,
                read_only=read_only,
            )
            return load(configs, overrides)

        return command(*args, load_settings=load_settings, **kwargs)

    for option in reversed(_OPTIONS):
        with_settings = option(with_settings)
    return with_settings
