"""`aurora-tui drill`: practise on an embedded world, or run that world alone for others to join."""

from __future__ import annotations

import sys
from pathlib import Path

import click

_SCENARIO = "calm"


@click.command("drill")
@click.option("--scenario", default=_SCENARIO, show_default=True, metavar="NAME|FILE", help="What happens.")
@click.option(
    "--speed",
    type=float,
    default=1.0,
    show_default=True,
    help="How much faster time passes. Beyond some 30 the sources fall behind: the verdict says BLIND. Ages in kubectl "
    "get are right at any speed; those in describe and events kubectl reckons by this machine's clock, for which a "
    "faster drill lies in the future: <invalid>.",
)
@click.option(
    "--exporter",
    type=click.Choice(["histograms", "gauges"]),
    default="histograms",
    show_default=True,
    help="Which generation of metrics the exporters show.",
)
@click.option("--fixed-ports", is_flag=True, help="Ports 9109, 9110, 8080 and 9090 instead of free ones.")
@click.option("--real-prometheus", is_flag=True, help="Run the real Prometheus and Alertmanager on the exporters.")
@click.option("--seed", type=int, help="Another world; the scenario names one otherwise.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the world's files there; a temporary folder otherwise.",
)
@click.option("--serve", is_flag=True, help="Run the world alone until interrupted; its first line says where it is.")
@click.option("--theme", metavar="NAME", help="The theme of the screen.")
@click.option("--read-only", is_flag=True, help="Look, never act.")
@click.option("--end-with-stdin", is_flag=True, hidden=True)
def command(
    scenario: str,
    speed: float,
    exporter: str,
    fixed_ports: bool,
    real_prometheus: bool,
    seed: int | None,
    directory: Path | None,
    serve: bool,
    theme: str | None,
    read_only: bool,
    end_with_stdin: bool,
) -> int:
    """Practise on an embedded world: a network, Prometheus, Alertmanager and a cluster, all on this machine."""
    if serve:
        from aurora_tui.commands.drill_world import Served, run

        return run(
            Served(
                scenario=scenario,
                speed=speed,
                exporter=exporter,
                fixed_ports=fixed_ports,
                real_prometheus=real_prometheus,
                seed=seed,
                directory=directory,
                end_with_stdin=end_with_stdin,
            )
        )
    # Before anything heavy is imported: the world starts beside it.
    from aurora_tui.commands.drill_console import StartedWorld

    flags = ["--scenario", scenario, "--speed", str(speed), "--exporter", exporter]
    flags += ["--fixed-ports"] if fixed_ports else []
    flags += ["--real-prometheus"] if real_prometheus else []
    flags += ["--seed", str(seed)] if seed is not None else []
    flags += ["--dir", str(directory)] if directory is not None else []
    with StartedWorld(flags) as world:
        print("Starting the drill world…", file=sys.stderr, flush=True)
        return world.open_console(theme, read_only)
