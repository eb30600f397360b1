"""`python -m usagekit`."""

from usagekit.cli import main

if __name__ == "__main__":
    main(prog_name="usagekit")
