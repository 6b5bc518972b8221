"""What every checker shares: the error that carries a hint."""


class WrongAnswer(AssertionError):
    """An answer that is not right yet; its text is a hint for the reader."""

    def _render_traceback_(self) -> list[str]:
        """Show the hint alone in a notebook: the checker's own frames would only distract."""
        return [f"Not yet: {self}"]
