"""The `gtc` command: every step of the pipeline by hand. Commands parse, call one library function and print."""

from gtc.commands.app import app, main

__all__ = ["app", "main"]
