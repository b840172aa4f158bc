"""What Enter opens: the whole of one subject as lines, pure functions like the panels."""
