"""Aurora TUI: the on-call's console for a canary."""

__version__ = "0.1.0"
