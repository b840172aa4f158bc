"""An embedded Alertmanager: its v2 API, routes, silences and inhibition, as 0.25 answers; it notifies nobody."""

from __future__ import annotations

from aurora_tui.drill.alertmanager.alerts import Alerts
from aurora_tui.drill.alertmanager.api import alertmanager_app
from aurora_tui.drill.alertmanager.config import AlertmanagerConfig
from aurora_tui.drill.alertmanager.configuration_file import read, read_file, shipped
from aurora_tui.drill.alertmanager.fingerprint import fingerprint
from aurora_tui.drill.alertmanager.silences import Silences

__all__ = [
    "AlertmanagerConfig",
    "Alerts",
    "Silences",
    "alertmanager_app",
    "fingerprint",
    "read",
    "read_file",
    "shipped",
]
