"""Why nothing can be made of a file that would be served."""


class NotNormalisedError(Exception):
    """The message begins with a verb whose subject is the file, and ends with what to do."""
