"""SQL that turns what a file holds into a type, giving NULL where it does not fit: the engine judges every value."""

import re
from dataclasses import dataclass

from warehouse.importer.dates import joda_format
from warehouse.importer.errors import MappingError

#: Years that all ClickHouse versions hold in DateTime64.
_INSTANTS = "toDateTime64('1900-01-01', 3, 'UTC') and toDateTime64('2299-12-31 23:59:59.999', 3, 'UTC')"
_DATES = "toDate32('1970-01-01') and toDate32('2149-06-06')"

_ISO = (
    r"^(19\d\d|2[012]\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"([ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?)?$"
)
_ISO_DATE = r"^\d{4}-\d\d-\d\d([ T]00:00:00(\.0+)?)?$"
#: Special formats, and milliseconds in their unit.
_UNIX = {"unix": 1000, "unix_ms": 1}
_AFTER_FRACTION = r" ?[AaPp][Mm]| ?Z| ?[+-]\d\d:?\d\d"
_CLICKHOUSE_MAP = r"^\{('([^'\\]|\\.)*' ?: ?'([^'\\]|\\.)*'(, ?'([^'\\]|\\.)*' ?: ?'([^'\\]|\\.)*')*)?\}$"


@dataclass(frozen=True)
class Formats:
    """How a file writes numbers and times. `timestamps` and `dates`: strftime format, `iso`, `unix` or `unix_ms`."""

    decimal_mark: str = "."
    thousands_mark: str = ""
    time_zone: str = "UTC"
    timestamps: str = "iso"
    dates: str = "iso"
    nulls: tuple[str, ...] = ("",)


def literal(text: str) -> str:
    """A ClickHouse string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def given(text: str, formats: Formats) -> str:
    """The text without blanks around it, NULL where it means that there is no value."""
    listed = ", ".join(literal(null) for null in ("", *formats.nulls))
    return f"if(trimBoth({text}) in ({listed}), NULL, trimBoth({text}))"


def from_text(text: str, wanted: str, formats: Formats, clock: str = "") -> str:
    """SQL of type Nullable(wanted) for a text that `given` has cleaned; `wanted` is an engine type.

    `clock` names what `clock_of` made of the text. Raises MappingError when there is no way.
    """
    number = re.fullmatch(r"(U?Int\d+|Float\d+)|Decimal\((\d+), (\d+)\)", wanted)
    if number and number[2]:
        return _decimal(text, int(number[2]), int(number[3]), formats)
    if number:
        return _float(text, wanted, formats) if wanted.startswith("Float") else _integer(text, wanted, formats)
    if wanted.startswith("DateTime64"):
        return _instant(text, clock, formats)
    if wanted in ("Date", "Date32"):
        return _in_range(_date(text, formats), _DATES)
    if wanted == "UUID":
        return f"toUUIDOrNull({text})"
    raise MappingError(f"text cannot become {wanted}")


def _integer(text: str, wanted: str, formats: Formats) -> str:
    decimals = rf"({re.escape(formats.decimal_mark)}0*)?"
    return f"to{wanted}OrNull(replaceRegexpOne({_number(text, decimals, formats)}, '\\\\..*$', ''))"


def _decimal(text: str, digits: int, scale: int, formats: Formats) -> str:
    mark = re.escape(formats.decimal_mark)
    bits = 64 if digits <= 18 else 128 if digits <= 38 else 256
    decimals = rf"({mark}\d{{0,{scale}}}0*)?"
    parsed = f"toDecimal{bits}OrNull({_number(text, decimals, formats)}, {scale})"
    return f"if(abs({parsed}) < toDecimal256('1{'0' * (digits - scale)}', 0), {parsed}, NULL)"


def _float(text: str, wanted: str, formats: Formats) -> str:
    decimals = rf"({re.escape(formats.decimal_mark)}\d*)?([eE][+-]?\d+)?"
    parsed = f"to{wanted}OrNull({_number(text, decimals, formats)})"
    return f"if(isFinite({parsed}), {parsed}, NULL)"


def _number(text: str, decimals: str, formats: Formats) -> str:
    """The text as the engine writes numbers, NULL when it is none in this format."""
    whole, clean = r"\d+", text
    if formats.thousands_mark:
        whole = rf"(\d+|\d{{1,3}}({re.escape(formats.thousands_mark)}\d{{3}})+)"
        clean = f"replaceAll({clean}, {literal(formats.thousands_mark)}, '')"
    if formats.decimal_mark != ".":
        clean = f"replaceAll({clean}, {literal(formats.decimal_mark)}, '.')"
    return f"if(match({text}, {literal(f'^[+-]?{whole}{decimals}$')}), {clean}, NULL)"


def _instant(text: str, clock: str, formats: Formats) -> str:
    """A time stamp as Nullable(DateTime64(3, 'UTC')). A local time that the clock skipped does not fit."""
    if formats.time_zone == "UTC" or formats.timestamps in _UNIX:
        return _in_range(clock, _INSTANTS)
    local = _local_to_utc(clock, formats.time_zone)
    return _in_range(f"if({_has_offset(text, formats.timestamps)}, {clock}, {local})", _INSTANTS)


def _local_to_utc(clock: str, zone: str) -> str:
    """The instant at which clocks of the zone show `clock`: the first of two in autumn, NULL for a skipped hour.

    The offset in force is either the one of the day before or the one of the day after.
    """

    def offset(moment: str) -> str:
        return f"toIntervalSecond(timezoneOffset(toTimeZone({moment}, {literal(zone)})))"

    before = f"({clock} - {offset(f'{clock} - toIntervalDay(1)')})"
    after = f"({clock} - {offset(f'{clock} + toIntervalDay(1)')})"
    fits = [f"{moment} + {offset(moment)} = {clock}" for moment in (before, after)]
    return f"multiIf({fits[0]}, {before}, {fits[1]}, {after}, NULL)"


def _has_offset(text: str, form: str) -> str:
    """SQL condition: the text names its own distance from UTC."""
    if form == "iso":
        return f"match({text}, '(Z|UTC|:.*[+-]\\\\d\\\\d:?\\\\d\\\\d)$')"
    return "1" if joda_format(form).has_offset else "0"


def clock_of(text: str, formats: Formats) -> str:
    """SQL for the time that a text shows, as if it were UTC; NULL when it is not written in the format."""
    form = formats.timestamps
    if form in _UNIX:
        number = f"toDecimal128OrNull(if(match({text}, '^-?\\\\d{{1,14}}(\\\\.\\\\d*)?$'), {text}, NULL), 3)"
        return f"fromUnixTimestamp64Milli(toInt64({number} * {_UNIX[form]}), 'UTC')"
    if form == "iso":
        return f"parseDateTime64BestEffortOrNull(if(match({text}, {literal(_ISO)}), {text}, NULL), 3, 'UTC')"
    joda = joda_format(form)
    whole, fraction = text, ""
    if joda.has_fraction:
        whole = f"replaceRegexpOne({text}, {literal(f'[.,][0-9]{{1,9}}({_AFTER_FRACTION})?$')}, '\\\\1')"
        digits = f"extract({text}, {literal(f'[.,]([0-9]{{1,9}})(?:{_AFTER_FRACTION})?$')})"
        fraction = f" + toIntervalMillisecond(toUInt32OrZero(substring(rightPad({digits}, 3, '0'), 1, 3)))"
    return f"toDateTime64(parseDateTime64InJodaSyntaxOrNull({whole}, {literal(joda.text)}, 'UTC'), 3, 'UTC'){fraction}"


def _date(text: str, formats: Formats) -> str:
    if formats.dates == "iso":
        iso = f"if(match({text}, {literal(_ISO_DATE)}), substring({text}, 1, 10), NULL)"
        return f"toDate32(parseDateTime64BestEffortOrNull({iso}, 3, 'UTC'))"
    return f"toDate32(parseDateTime64InJodaSyntaxOrNull({text}, {literal(joda_format(formats.dates).text)}, 'UTC'))"


def _in_range(value: str, bounds: str) -> str:
    return f"if({value} between {bounds}, {value}, NULL)"


def is_map_text(text: str) -> str:
    """SQL condition: a JSON object, or a map as ClickHouse prints it."""
    return f"(JSONType(ifNull({text}, '')) = 'Object' or match({text}, {literal(_CLICKHOUSE_MAP)}))"


def map_from_text(text: str) -> str:
    """SQL of type Map(String, String); empty where the text is NULL or no map."""
    plain = f"ifNull({text}, '')"
    printed = f"extractKeyValuePairsWithEscaping({plain}, ':', ',', '\\'')"
    json = f"JSONExtract({plain}, 'Map(String, String)')"
    return f"if(JSONType({plain}) = 'Object', {json}, if(match({plain}, {literal(_CLICKHOUSE_MAP)}), {printed}, map()))"


def from_value(value: str, found: str, wanted: str, formats: Formats) -> str:
    """SQL of type Nullable(wanted) for a value of the engine type `found`. Raises MappingError when there is no way."""
    if wanted == "String":
        return f"toString({value})"
    if found == wanted:
        return value
    if re.match(r"U?Int|Decimal|Float|Bool", found):
        return _from_number(value, found, wanted)
    if found.startswith("Date"):
        return _from_time(value, found, wanted, formats)
    raise MappingError(f"{found} cannot become {wanted}")


def _from_number(value: str, found: str, wanted: str) -> str:
    if wanted.startswith("Float"):
        return f"if(isFinite(to{wanted}({value})), to{wanted}({value}), NULL)"
    scale = re.fullmatch(r"Decimal\(\d+, (\d+)\)", wanted)
    if not scale and not re.match(r"U?Int", wanted):
        raise MappingError(f"{found} cannot become {wanted}; convert it in the expression")
    if found.startswith("Float"):  # decimal places of a binary fraction mean nothing: round them
        return f"accurateCastOrNull(round({value}, {scale[1] if scale else 15}), '{wanted}')"
    cast = f"accurateCastOrNull({value}, '{wanted}')"
    return f"if({cast} = {value}, {cast}, NULL)" if found.startswith("Decimal") else cast


def _from_time(value: str, found: str, wanted: str, formats: Formats) -> str:
    zone, has_time = literal(formats.time_zone), found.startswith("DateTime")
    if wanted.startswith("DateTime64"):
        moment = f"toDateTime64({value}, 3, 'UTC')" if has_time else f"toDateTime64(toString({value}), 3, {zone})"
        return _in_range(f"toTimeZone({moment}, 'UTC')", _INSTANTS)
    if wanted in ("Date", "Date32"):
        return _in_range(f"toDate32({value}, {zone})" if has_time else f"toDate32({value})", _DATES)
    raise MappingError(f"{found} cannot become {wanted}; convert it in the expression")
