"""Where commands print: data to standard output, everything else to standard error."""

import json
import sys
from typing import Any

from rich.console import Console

#: Tables and data.
out = Console(soft_wrap=True)

#: Progress and complaints.
err = Console(stderr=True, soft_wrap=True, highlight=False)


def complain(error: Exception) -> None:
    """One line: what went wrong and what to do."""
    print(f"error: {error}", file=sys.stderr)  # noqa: T201


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, indent=2, default=str))  # noqa: T201


def engine_words(error: Exception) -> Exception:
    """The engine's message in one line, without the driver's frame around it."""
    text = " ".join(str(error).split())
    return Exception(text[max(text.find("Code:"), 0) :])
