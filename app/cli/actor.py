"""Who does something on the command line, as it is kept."""

from __future__ import annotations

import getpass


def actor() -> str:
    """Such as `root (command line)`: there is nobody signed in."""
    return f"{getpass.getuser()} (command line)"
