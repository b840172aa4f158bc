"""Show: the Textual console."""

from __future__ import annotations

import os

# Textual reads both when it is first imported, so they are set here, before any of our modules imports it.
# A line with jitter splits escape sequences: 100 ms (Textual's default) turns Home into `escape [ H`, and H is an
# action key. 15 frames a second are plenty for gauges and spare a slow line.
os.environ.setdefault("ESCDELAY", "500")
os.environ.setdefault("TEXTUAL_FPS", "15")
