"""The real servers of a drill, where they are wanted."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aurora_tui.drill.loopback import Server
from aurora_tui.drill.real import RealMonitoring
from aurora_tui.drill.series import AURORA_JOB, SIMULATOR_JOB, Generation


@pytest.mark.needs("prometheus", "promtool", "prometheus-alertmanager")
async def test_their_ports_are_nobody_elses_from_the_first_moment_until_they_are_closed(tmp_path: Path) -> None:
    exporters = {job: Server(job) for job in (AURORA_JOB, SIMULATOR_JOB)}
    monitoring = RealMonitoring(exporters, Generation.HISTOGRAMS, 0, tmp_path, 1.0)
    ports = [urlsplit(url).port or 0 for url in monitoring.urls.values()]
    for port in ports:
        with socket.socket() as other:
            assert other.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
    await monitoring.close()
    for port in ports:
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
    for exporter in exporters.values():
        await exporter.stop()
