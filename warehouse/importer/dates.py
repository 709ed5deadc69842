"""Python's date formats (`%d.%m.%Y %H:%M`), in the notation that the engine parses strictly."""

import re
from typing import NamedTuple

from warehouse.importer.errors import MappingError

#: strftime directive to Joda letter; the letter alone reads one or more digits, so `1` and `01` both fit.
_NUMBERS = {"d": "d", "m": "M", "H": "H", "I": "h", "M": "m", "S": "s"}
_OTHERS = {"Y": "yyyy", "y": "yy", "b": "MMM", "B": "MMMM", "a": "EEE", "A": "EEEE", "p": "a", "z": "Z", "%": "%"}


class JodaFormat(NamedTuple):
    """A format for parseDateTime64InJodaSyntax. The fraction of a second (%f) is cut off before and added after."""

    text: str
    has_fraction: bool
    has_offset: bool


def joda_format(form: str) -> JodaFormat:
    """Translate a strftime format. Raises MappingError for directives that have no counterpart."""
    has_fraction = "%f" in form
    if has_fraction and not re.search(r"%S[.,]%f( ?%p| ?%z)?$", form):
        raise MappingError(f"date format {form!r}: %f must follow `%S.` at the end")
    parts = re.findall(r"%.|[^%]+", re.sub(r"[.,]%f", "", form))
    if "%" in parts or not any(part[0] == "%" for part in parts):
        raise MappingError(f"date format {form!r}: write it as for Python's strftime, such as %d.%m.%Y")
    return JodaFormat("".join(_translated(parts, form)), has_fraction, "%z" in form)


def _translated(parts: list[str], form: str) -> list[str]:
    done = []
    for index, part in enumerate(parts):
        letter = part[1:] if part.startswith("%") else ""
        touches = any(_is_number(parts, near) for near in (index - 1, index + 1))
        if letter in _NUMBERS:  # digits that touch other digits have a fixed width
            done.append(_NUMBERS[letter] * (2 if touches else 1))
        elif letter in _OTHERS:
            done.append(_OTHERS[letter])
        elif letter:
            known = ", ".join(f"%{name}" for name in (*_NUMBERS, *_OTHERS, "f"))
            raise MappingError(f"date format {form!r}: {part} is not supported (known: {known})")
        else:
            done.append(re.sub(r"[A-Za-z']+", _quoted, part))
    return done


def _quoted(word: "re.Match[str]") -> str:
    return "'" + word[0].replace("'", "''") + "'"


def _is_number(parts: list[str], index: int) -> bool:
    return 0 <= index < len(parts) and parts[index][:1] == "%" and parts[index][1:] in (*_NUMBERS, "Y", "y")
