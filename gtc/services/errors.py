"""What goes wrong with services."""


class ServiceError(Exception):
    """A service could not be started or stopped; the text says what to do."""
