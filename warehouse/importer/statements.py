"""The SQL of one load: text comes in, is read as typed columns, computed into raw columns, checked and inserted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.importer import conversions
from warehouse.importer.conversions import Formats, literal
from warehouse.importer.errors import MappingError
from warehouse.importer.mapping import Mapping, nearest

#: Columns that the loader fills itself.
OWN_COLUMNS = ("load_id",)

#: What a lookup's key is that stands for all others.
OTHERWISE = "*"
#: What a lookup puts before a key that it does not list; NUL never comes out of a file.
UNLISTED = "\0unlisted:"

_KINDS = {
    "Int64": "a whole number",
    "Float64": "a number",
    "Float32": "a number",
    "UUID": "a UUID",
    "Date": "a date",
    "Date32": "a date",
    "Map": "a JSON object",
}


@dataclass(frozen=True)
class Rule:
    """What the contract of a raw table says of several columns together: which one to blame when `broken` is true."""

    column: str
    broken: str
    expected: str


#: Rules by raw table; `{name}` stands for the value of a column that every row of the table has.
_RULES = {
    "revenue_events": [
        Rule("amount", "{event_type} = 'refund' and {amount} > 0", "the amount of a refund, negative or zero"),
    ],
}


@dataclass(frozen=True)
class TargetColumn:
    """A column of the raw table; `default` is empty when a row must bring a value."""

    name: str
    type: str
    default: str

    @property
    def plain_type(self) -> str:
        """The type without LowCardinality and Nullable."""
        return plain(self.type)


@dataclass(frozen=True)
class Fault:
    """One way in which a row may not fit, and what to tell about it."""

    column: str
    expected: str


def plain(engine_type: str) -> str:
    """The type without LowCardinality and Nullable; every map counts as a map of texts."""
    inner = re.fullmatch(r"(?:LowCardinality|Nullable)\((.*)\)", engine_type)
    if inner:
        return plain(inner[1])
    return "Map" if engine_type.startswith("Map(") else engine_type


def quoted(name: str) -> str:
    """An identifier in backquotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Conversions:
    """Columns on their way to another type, in nested steps: the text given, the clock that it shows, the value."""

    def __init__(self) -> None:
        self._steps: tuple[list[str], list[str], list[str]] = ([], [], [])

    def add(self, name: str, value: str, found: str, wanted: str, formats: Formats) -> tuple[str, str]:
        """Names of the converted value (NULL where it does not fit) and of what was given (NULL where nothing was)."""
        if found == wanted:
            return value, value
        given, clock, result = (quoted(f"{step}:{name}") for step in ("given", "clock", "to"))
        if found != "String":
            self._steps[2].append(f"{conversions.from_value(value, found, wanted, formats)} as {result}")
            return result, value
        self._steps[0].append(f"{conversions.given(value, formats)} as {given}")
        if wanted.startswith("DateTime64"):
            self._steps[1].append(f"{conversions.clock_of(given, formats)} as {clock}")
        self._steps[2].append(f"{conversions.from_text(given, wanted, formats, clock)} as {result}")
        return result, given

    def around(self, rows: str) -> str:
        """The query `rows` with the steps around it."""
        for step in filter(None, self._steps):
            rows = f"select *, {', '.join(step)} from ({rows})"
        return rows


class Statements:
    """Builds the statements of a load. The file's columns arrive in `_line, _c1, _c2, …` of the text table.

    Steps are nested queries, so that nothing is written out, or computed, twice: cells → typed columns of the file →
    expressions of the mapping (`raw:x`) → raw columns (`to:x`) → the number of the first fault.
    """

    def __init__(
        self,
        mapping: Mapping,
        target: Sequence[TargetColumn],
        file: Sequence[tuple[str, str]],
        defaults: dict[str, str],
    ) -> None:
        """`file`: name and engine type of its columns; `defaults`: SQL for raw columns that the mapping leaves out."""
        self.mapping = mapping
        self.file = list(file)
        self.expressions = _expressions(mapping, target, [name for name, _ in file], defaults)
        self.target = {column.name: column for column in target}
        self.faults: list[Fault] = []
        self._given: list[str] = []
        self._checks: list[str] = []
        self._reading, self._writing = Conversions(), Conversions()
        self._values: dict[str, str] = {}
        self._read_file()

    def probe(self, text_table: str, columns: Sequence[str]) -> str:
        """A query that computes nothing and has the types of the expressions of `columns`."""
        names = ", ".join(quoted(f"raw:{name}") for name in columns)
        return f"describe table (select {names} from ({self._evaluated(text_table, columns)}))"

    def settle(self, types: dict[str, str]) -> None:
        """Fix how each expression, whose engine type is now known, becomes its raw column. Raises MappingError."""
        for name in self.expressions:
            column, value = self.target[name], quoted(f"raw:{name}")
            try:
                self._settle_column(column, value, plain(types[name]))
            except MappingError as error:
                raise MappingError(f"{self.mapping.name}: column `{name}`: {error}") from None
        for rule in _RULES.get(self.mapping.table, ()):
            if rule.column in self._values:
                self._check(rule.column, rule.broken.format_map(self._values), rule.expected, self._values[rule.column])

    def _settle_column(self, column: TargetColumn, value: str, found: str) -> None:
        wanted, formats = column.plain_type, self.mapping.formats()
        if wanted == "Map":
            self._settle_map(column, value, found)
            return
        converted, given = self._writing.add(column.name, value, found, wanted, formats)
        if wanted != "String":
            self._check(column.name, f"isNull({converted}) and isNotNull({given})", _expected(wanted, formats), value)
        elif found == "String" and self.mapping.lookups:
            unlisted = f"position(ifNull({value}, ''), {literal(UNLISTED)}) > 0"
            self._check(column.name, unlisted, "listed in the lookup", f"replaceOne({value}, {literal(UNLISTED)}, '')")
        if column.name in self.mapping.required or not column.default:
            nothing = f"empty(trimBoth(ifNull({value}, '')))" if found == wanted == "String" else f"isNull({given})"
            self._check(column.name, nothing, "missing", "''")
            self._values[column.name] = f"assumeNotNull({converted})"
        else:
            self._values[column.name] = f"ifNull({converted}, {column.default})"

    def _settle_map(self, column: TargetColumn, value: str, found: str) -> None:
        if found == "Map":
            self._values[column.name] = f"CAST({value}, 'Map(String, String)')"
        elif found == "String":
            bad = f"notEmpty(trimBoth(ifNull({value}, ''))) and not {conversions.is_map_text(value)}"
            self._check(column.name, bad, _KINDS["Map"], value)
            self._values[column.name] = conversions.map_from_text(value)
        else:
            raise MappingError(f"{found} cannot become {column.type}; build a map(…) in the expression")

    def find_faults(self, text_table: str, lines: tuple[int, int]) -> str:
        """Line, number of the fault and the value that does not fit, of every row between two lines that has one."""
        shown = ", ".join(
            f"_fault = {number}, ifNull(toString({text}), '')" for number, text in enumerate(self._given, 1)
        )
        given = f"multiIf({shown}, '')" if shown else "''"
        return (
            f"select _line, _fault, {given} from ({self._checked(text_table, lines)}) where _fault != 0 order by _line"
        )

    def value(self, text_table: str, column: str, lines: tuple[int, int]) -> str:
        """A query that computes nothing but one expression, to see whether it fails."""
        return self._evaluated(text_table, [column], f"_line between {lines[0]} and {lines[1]}")

    def insert(self, rows_table: str, text_table: str, lines: tuple[int, int], load_id: str) -> str:
        """Insert the rows between two lines that have no fault."""
        names = ", ".join(quoted(name) for name in (*self._values, "load_id"))
        values = ", ".join((*self._values.values(), f"toUUID('{load_id}')"))
        rows = self._checked(text_table, lines)
        return f"insert into {rows_table} ({names}) select {values} from ({rows}) where _fault = 0"

    def _checked(self, text_table: str, lines: tuple[int, int]) -> str:
        first = f"_line between {lines[0]} and {lines[1]}"
        conditions = ", ".join(f"{check}, {number}" for number, check in enumerate(self._checks, 1))
        fault = f"multiIf({conditions}, 0)" if conditions else "0"
        rows = self._writing.around(self._evaluated(text_table, list(self.expressions), first))
        return f"select *, {fault} as _fault from ({rows})"

    def _evaluated(self, text_table: str, columns: Sequence[str], where: str = "1") -> str:
        lookups = ", ".join(_lookup(name, entries) for name, entries in self.mapping.lookups.items())
        values = ", ".join(f"({self.expressions[name]}) as {quoted(f'raw:{name}')}" for name in columns)
        typed = self._reading.around(f"select * from {text_table} where {where}")
        named = ", ".join(f"{value} as {quoted(name)}" for name, value in self._columns.items())
        return f"{f'with {lookups} ' if lookups else ''}select *, {values} from (select *, {named} from ({typed}))"

    def _read_file(self) -> None:
        """The file's columns under their own names: typed where the mapping declares a type."""
        self._columns = dict[str, str]()
        for index, (name, found) in enumerate(self.file, 1):
            declared, cell = self.mapping.types.get(name), f"_c{index}"
            wanted, formats = declared.engine_type if declared else found, self.mapping.formats(name)
            if wanted == found == "String":
                listed = ", ".join(map(literal, self.mapping.file.nulls))
                self._columns[name] = f"if({cell} in ({listed}), NULL, {cell})" if listed else cell
                continue
            try:
                self._columns[name], given = self._reading.add(f"file:{name}", cell, found, wanted, formats)
            except MappingError as error:
                raise MappingError(f"{self.mapping.name}: types of `{name}`: {error}") from None
            if found != wanted:
                bad = f"isNull({self._columns[name]}) and isNotNull({given})"
                self._check(name, bad, _expected(wanted, formats), cell)

    def _check(self, column: str, condition: str, expected: str, given: str) -> None:
        self.faults.append(Fault(column, expected))
        self._checks.append(condition)
        self._given.append(given)


def _expressions(
    mapping: Mapping, target: Sequence[TargetColumn], file: Sequence[str], defaults: dict[str, str]
) -> dict[str, str]:
    """Raw column → SQL, from `columns`, `constants` and, for columns that stand in neither, `defaults`."""
    known = [column.name for column in target if column.name not in OWN_COLUMNS]
    for name in mapping.types:
        if name not in file:
            raise MappingError(f"{mapping.name}: types: the file has no column `{name}`{nearest(name, list(file))}")
    if mapping.columns == "same_names":
        chosen = {name: quoted(name) for name in known if name in file}
    else:
        chosen = dict(mapping.columns)
    chosen |= {name: _constant(value) for name, value in mapping.constants.items()}
    for name in (*chosen, *mapping.required):
        if name not in known:
            raise MappingError(f"{mapping.name}: table {mapping.table} has no column `{name}`{nearest(name, known)}")
    chosen = {**{name: sql for name, sql in defaults.items() if name in known}, **chosen}
    for column in target:
        if not column.default and column.name not in chosen and column.name not in OWN_COLUMNS:
            raise MappingError(
                f"{mapping.name}: column `{column.name}` of {mapping.table} needs an expression or a constant"
            )
    return chosen


def _lookup(name: str, entries: dict[str, str]) -> str:
    """A function of SQL. For a key that is not listed it answers the key behind a mark, which no raw column accepts."""
    keys = [key for key in entries if key != OTHERWISE]
    other = literal(entries[OTHERWISE]) if OTHERWISE in entries else f"concat({literal(UNLISTED)}, key)"
    listed = f"[{', '.join(map(literal, keys))}], [{', '.join(literal(entries[key]) for key in keys)}]"
    return f"(key -> if(empty(ifNull(key, '')), NULL, transform(assumeNotNull(key), {listed}, {other}))) as {name}"


def _constant(value: str | int | float) -> str:
    return literal(value) if isinstance(value, str) else str(value)


def _expected(wanted: str, formats: Formats) -> str:
    decimal = re.fullmatch(r"Decimal\((\d+), (\d+)\)", wanted)
    if decimal:
        digits, scale = int(decimal[1]), int(decimal[2])
        return f"a number with at most {scale} decimal places and {digits - scale} digits before them"
    if wanted.startswith("DateTime64"):
        form = "" if formats.timestamps == "iso" else f" written as {formats.timestamps}"
        zone = "" if formats.time_zone == "UTC" else f" that the clock of {formats.time_zone} showed"
        return f"a time from 1900 to 2299{form}{zone}"
    if wanted == "Date":
        return "a date from 1970-01-01 to 2149-06-06" + (
            "" if formats.dates == "iso" else f" written as {formats.dates}"
        )
    whole = re.fullmatch(r"(U?)Int(\d+)", wanted)
    if whole:
        bits = int(whole[2])
        low, high = (0, 2**bits - 1) if whole[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return f"a whole number from {low} to {high}"
    return _KINDS.get(wanted, wanted)
