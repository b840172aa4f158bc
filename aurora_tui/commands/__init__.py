"""The commands, one file each, loaded when they run."""
