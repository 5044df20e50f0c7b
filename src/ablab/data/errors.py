"""What can be wrong with data, in one class."""

from ablab.errors import InputError


class DataError(InputError):
    """A data set is missing, damaged or cannot be fetched; the message says what helps."""
