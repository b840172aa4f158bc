"""The four panels as pure functions: a Situation, a time and a width in, rows of inked text out."""
