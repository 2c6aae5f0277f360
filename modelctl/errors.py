"""What can go wrong outside a finding: each class is one reaction a caller may want."""


class ModelctlError(Exception):
    """Base of every error this package raises; the message says what to do next."""


class UsageError(ModelctlError):
    """The command line asks for something that cannot be done as asked."""


class OutputError(ModelctlError):
    """Standard output cannot be written; the cause is the `OSError` that says why."""


class TreeError(ModelctlError):
    """A repository tree, or a file in it, could not be read."""


class GitError(ModelctlError):
    """Git could not do what was asked; the message carries its own words."""


class ConversionError(ModelctlError):
    """A model of another format could not be made into an ONNX file."""


class StoreError(ModelctlError):
    """Artifact bytes could not be read from or written to where they are kept."""


class EditRefusedError(ModelctlError):
    """An edit would leave the repository in a state that `check` refuses; nothing was written."""


class NeverServedError(UsageError):
    """A model is not served in an environment, and its history has no state in which it was."""
