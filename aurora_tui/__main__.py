"""`python -m aurora_tui`: the same as the command."""

from aurora_tui.cli import main

if __name__ == "__main__":
    main()
