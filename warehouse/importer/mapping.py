"""The mapping file: how a file is written, and what each raw column is made of. See docs/importing.md."""

import codecs
import hashlib
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from warehouse.importer.conversions import Formats
from warehouse.importer.dates import joda_format
from warehouse.importer.errors import MappingError

FileFormat = Literal["csv", "tsv", "jsonl", "parquet"]
ColumnType = Literal["text", "integer", "decimal", "float", "date", "timestamp", "uuid"]

_NUMBER_SAMPLE = re.compile(r"1(?P<thousands>[.,' \u00a0\u202f]?)234(?P<decimal>[.,])56")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ",", "pipe": "|"}
_SPECIAL_TIMES = ("iso", "unix", "unix_ms")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _sql(value: Any) -> Any:
    """Numbers may stand for themselves in a column's expression."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class TypedColumn(_Strict):
    """How one column of the file is written, where that differs from the rest of the file."""

    type: ColumnType
    format: str | None = Field(None, description="strftime format, `iso`, `unix` or `unix_ms`")
    time_zone: str | None = Field(None, description="zone of local times")
    numbers: str | None = Field(None, description="how 1234.56 is written: 1.234,56")
    scale: int = Field(10, ge=0, le=18, description="decimal places that a decimal keeps")

    @model_validator(mode="before")
    @classmethod
    def _a_type_may_stand_alone(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @field_validator("format")
    @classmethod
    def _format_is_known(cls, value: str | None) -> str | None:
        return value if value is None else _known_format(value)

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, value: str | None) -> str | None:
        return value if value is None else _known_zone(value)

    @field_validator("numbers")
    @classmethod
    def _sample_is_understood(cls, value: str | None) -> str | None:
        return value if value is None else _number_marks(value) and value

    @property
    def engine_type(self) -> str:
        """What the warehouse computes with."""
        simple = {"text": "String", "integer": "Int64", "float": "Float64", "date": "Date32", "uuid": "UUID"}
        return {**simple, "timestamp": "DateTime64(3, 'UTC')", "decimal": f"Decimal(38, {self.scale})"}[self.type]


class FileOptions(_Strict):
    """How the whole file is written."""

    format: FileFormat | None = Field(None, description="default: from the file's name")
    encoding: str = "utf-8"
    delimiter: str | None = Field(None, description="default: comma, or tab for tsv")
    quote: str | None = '"'
    escape: Literal["backslash"] | None = None
    header: bool = True
    columns: list[str] | None = Field(None, description="names, for a file without a header")
    time_zone: str = "UTC"
    numbers: str = "1234.56"
    timestamps: str = "iso"
    dates: str = "iso"
    nulls: list[str] = Field(default_factory=list, description="texts that mean: no value")

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, value: str) -> str:
        try:
            "x".encode(value)
        except LookupError:
            raise ValueError(f"unknown encoding: {value}") from None
        return codecs.lookup(value).name

    @field_validator("delimiter", "quote")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        character = _DELIMITERS.get(value or "", value)
        if character is not None and (len(character) != 1 or character in "\r\n\0"):
            raise ValueError(f"one character, or tab, comma, semicolon, pipe: {value!r}")
        return character

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        return _known_zone(value)

    @field_validator("timestamps", "dates")
    @classmethod
    def _format_is_known(cls, value: str) -> str:
        return _known_format(value)

    @field_validator("numbers")
    @classmethod
    def _sample_is_understood(cls, value: str) -> str:
        _number_marks(value)
        return value

    @model_validator(mode="after")
    def _names_from_somewhere(self) -> "FileOptions":
        if not self.header and self.columns is None:
            raise ValueError("`header: false` needs `columns`, the names of the file's columns in order")
        if self.columns and len(set(self.columns)) != len(self.columns):
            raise ValueError("`columns` names a column twice")
        return self


class Mapping(_Strict):
    """One mapping file. `columns: same_names` takes each raw column from the file's column of the same name."""

    name: str
    sha256: str
    table: str
    source: str | None = Field(None, description="goes to the column `source`; default: the mapping's name")
    description: str = ""
    file: FileOptions = FileOptions()
    types: dict[str, TypedColumn] = Field(default_factory=dict)
    lookups: dict[str, dict[str, str]] = Field(default_factory=dict)
    constants: dict[str, str | int | float] = Field(default_factory=dict)
    columns: Literal["same_names"] | dict[str, Annotated[str, BeforeValidator(_sql)]]
    required: list[str] = Field(default_factory=list)

    @field_validator("lookups")
    @classmethod
    def _lookups_are_functions(cls, value: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for name, entries in value.items():
            if not re.fullmatch(r"[a-z_][a-z0-9_]*", name) or not entries:
                raise ValueError(f"a lookup is named like a function and has entries: {name!r}")
        return value

    def formats(self, column: str = "") -> Formats:
        """How values are written, in one column or in the file as a whole."""
        typed, file = self.types.get(column), self.file
        decimal, thousands = _number_marks((typed and typed.numbers) or file.numbers)
        special = typed.format if typed else None
        return Formats(
            decimal_mark=decimal,
            thousands_mark=thousands,
            time_zone=(typed and typed.time_zone) or file.time_zone,
            timestamps=special or file.timestamps,
            dates=special or file.dates,
            nulls=tuple(file.nulls),
        )


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file. Raises MappingError with one line that names what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except OSError as error:
        raise MappingError(f"cannot read the mapping: {path} ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise MappingError(f"{path.name} is not a mapping: it needs `table` and `columns`")
    reserved = {"name": path.stem, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    try:
        return Mapping(**{**content, **reserved})
    except ValidationError as error:
        raise MappingError(f"{path.name}: {_one_line(error)}") from None


def nearest(name: str, known: list[str]) -> str:
    """`; did you mean …?` for a name that is nearly right, else what there is."""
    folded = {other.casefold(): other for other in known}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return f"; did you mean `{folded[close[0]]}`?" if close else f" (there is: {', '.join(known)})"


def _one_line(error: ValidationError) -> str:
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"] if part not in ("dict[str,constrained-str]", "[key]"))
    if fault["type"] == "extra_forbidden":
        model: type[BaseModel] = FileOptions if len(fault["loc"]) == 2 and fault["loc"][0] == "file" else Mapping
        if fault["loc"][0] == "types":
            model = TypedColumn
        known = [name for name in model.model_fields if name not in ("name", "sha256")]
        return f"unknown key `{place}`{nearest(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"`{place}` is missing"
    return f"{f'`{place}`: ' if place else ''}{fault['msg'].removeprefix('Value error, ')}"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone: {name}{_short(nearest(name, sorted(available_timezones())))}") from None
    return name


def _short(advice: str) -> str:
    return advice if advice.startswith(";") else " (write it like Europe/London)"


def _known_format(form: str) -> str:
    if form not in _SPECIAL_TIMES:
        try:
            joda_format(form)
        except MappingError as error:
            raise ValueError(str(error)) from None
    return form


def _number_marks(sample: str) -> tuple[str, str]:
    """Decimal and thousands mark out of a sample such as 1.234,56."""
    found = _NUMBER_SAMPLE.fullmatch(sample)
    if found is None or found["thousands"] == found["decimal"]:
        raise ValueError(f"write how 1234.56 looks in the file, such as 1.234,56 or 1,234.56: {sample!r}")
    return found["decimal"], found["thousands"]
