"""What goes wrong with the embedded server."""


class EmbeddedPostgresFailed(RuntimeError):
    """The embedded server cannot serve; the message is one line that says why and what to do."""
