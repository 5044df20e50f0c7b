"""The error of a data set that cannot be used."""

from ablab.errors import InputError


class DataError(InputError):
    """A data set is missing, damaged or cannot be downloaded; the message says what to do."""
