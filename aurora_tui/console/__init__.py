"""Show: the Textual console."""

from __future__ import annotations

import os

# Textual reads it when it is first imported, so it is set here, before any of our modules imports it.
# A line with jitter splits escape sequences: 100 ms (Textual's default) turns Home into `escape [ H`, and H is an
# action key. Its 60 frames a second stay: fewer make every key wait, and how often is drawn the board says itself.
os.environ.setdefault("ESCDELAY", "500")
