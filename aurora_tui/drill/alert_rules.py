"""Where the drill's Alertmanager sends alerts."""

from __future__ import annotations
