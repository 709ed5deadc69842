"""`gtc down`."""

from gtc.commands.console import err
from gtc.services import down
from gtc.settings import load_settings


def command() -> None:
    """Stop the services cleanly; data stays."""
    err.print("services stopped" if down(load_settings()) else "nothing was running")
