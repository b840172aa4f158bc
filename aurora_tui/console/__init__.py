"""Show: the Textual console."""
