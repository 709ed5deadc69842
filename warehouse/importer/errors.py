"""What can stop an import; each text is one line that says what to do."""


class ImportFailedError(Exception):
    """The load did not happen; nothing of it is visible in the target table."""


class MappingError(ImportFailedError):
    """The mapping names something that does not exist or does not fit."""


class SourceError(ImportFailedError):
    """The file cannot be read: missing, damaged, empty, or not what it is called."""


class TooManyRejectsError(ImportFailedError):
    """More rows were rejected than `--max-rejects` allows."""
