"""Acting from the console: the confirmation, the run as it goes, and nothing that writes to a cluster."""
