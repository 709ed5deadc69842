"""Loads files of anybody's into raw: `import_file` with a mapping. See docs/importing.md."""

from warehouse.importer.errors import ImportFailedError, MappingError, SourceError, TooManyRejectsError
from warehouse.importer.limits import RejectLimit
from warehouse.importer.load import Options, Summary, import_file
from warehouse.importer.mapping import Mapping, load_mapping

__all__ = [
    "ImportFailedError",
    "Mapping",
    "MappingError",
    "Options",
    "RejectLimit",
    "SourceError",
    "Summary",
    "TooManyRejectsError",
    "import_file",
    "load_mapping",
]
