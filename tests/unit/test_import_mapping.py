"""Mapping files: every mistake is one line that names the key and the nearest right one."""

from pathlib import Path

import pytest

from gtc.settings import PROJECT_ROOT
from warehouse.importer import MappingError, RejectLimit, load_mapping
from warehouse.importer.dates import joda_format

GOOD = "table: market_trends\ncolumns: {topic: subject}\n"


def load(folder: Path, text: str, name: str = "mine") -> object:
    path = folder / f"{name}.yml"
    path.write_text(text)
    return load_mapping(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns: {a: b}", "mine.yml: `table` is missing"),
        ("table: x", "mine.yml: `columns` is missing"),
        ("- a", "mine.yml is not a mapping"),
        ("table: [", "mine.yml is not YAML"),
        (GOOD + "colums: {}", "unknown key `colums`; did you mean `columns`?"),
        (GOOD + "file: {delimeter: ';'}", "unknown key `file.delimeter`; did you mean `delimiter`?"),
        (GOOD + "file: {delimiter: ';;'}", "`file.delimiter`: one character"),
        (GOOD + "file: {encoding: latin-99}", "`file.encoding`: unknown encoding: latin-99"),
        (GOOD + "file: {time_zone: Europe/Londen}", "unknown time zone: Europe/Londen; did you mean `Europe/London`?"),
        (GOOD + "file: {numbers: '1.234.56'}", "write how 1234.56 looks in the file"),
        (GOOD + "file: {timestamps: 'DD.MM.YYYY'}", "`file.timestamps`: "),
        (GOOD + "file: {dates: '%d.%Q'}", "%Q is not supported"),
        (GOOD + "file: {header: false}", "`header: false` needs `columns`"),
        (GOOD + "file: {format: xlsx}", "`file.format`: "),
        (GOOD + "types: {a: money}", "`types.a.type`: "),
        (GOOD + "types: {a: {type: decimal, scal: 2}}", "did you mean `scale`?"),
        (GOOD + "lookups: {'bad name': {a: b}}", "a lookup is named like a function"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mapping_that_is_absent_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot read the mapping"):
        load_mapping(tmp_path / "absent.yml")


def test_the_hash_of_a_mapping_follows_its_text(tmp_path: Path) -> None:
    first, same, other = load(tmp_path, GOOD), load(tmp_path, GOOD, "copy"), load(tmp_path, GOOD + "required: [topic]")
    assert first.sha256 == same.sha256 != other.sha256  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", sorted((PROJECT_ROOT / "warehouse" / "mappings").glob("*.yml")), ids=lambda p: p.stem)
def test_every_shipped_mapping_is_valid(path: Path) -> None:
    assert load_mapping(path).table


@pytest.mark.parametrize(
    ("form", "joda"),
    [
        ("%Y-%m-%d %H:%M:%S", "yyyy-M-d H:m:s"),
        ("%d/%m/%y %I:%M %p", "d/M/yy h:m a"),
        ("%Y%m%dT%H%M%S", "yyyyMMdd'T'HHmmss"),
        ("%d. %B %Y um %H Uhr", "d. MMMM yyyy 'um' H 'Uhr'"),
        ("%H:%M:%S.%f", "H:m:s"),
    ],
)
def test_strftime_formats_become_the_engines(form: str, joda: str) -> None:
    assert joda_format(form).text == joda


@pytest.mark.parametrize(("text", "rejected", "read", "passed"), [
    ("0", 0, 10, False), ("0", 1, 10, True), ("5", 5, 10, False), ("5", 6, 10, True),
    ("10%", 1, 10, False), ("10%", 2, 10, True), ("0.5 %", 1, 200, False), ("0.5%", 1, 199, True),
])  # fmt: skip
def test_a_limit_of_rejects_is_a_number_or_a_share(text: str, rejected: int, read: int, passed: bool) -> None:
    assert RejectLimit.parse(text).is_passed(rejected, read) is passed


@pytest.mark.parametrize("text", ["", "-1", "x", "101%", "1.5", "%"])
def test_a_limit_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number of rows or a percentage"):
        RejectLimit.parse(text)
