"""What can be wrong with data, in one class."""


class DataError(ValueError):
    """A data set is missing, damaged or cannot be fetched; the message says what helps."""
