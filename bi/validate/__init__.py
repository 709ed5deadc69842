"""What can be said against the files without any server: one line per fault."""

from bi.validate.faults import faults

__all__ = ["faults"]
