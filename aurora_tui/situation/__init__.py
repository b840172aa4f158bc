"""Judge: pure functions from what was observed to what it means. No clock, no I/O, no Textual."""
