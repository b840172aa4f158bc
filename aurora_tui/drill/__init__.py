"""Practise: an embedded world that speaks the real protocols. It imports none of the console."""
