"""Act: runbooks planned on fresh reads, shown, approved, carried out step by step, verified, and journalled."""
