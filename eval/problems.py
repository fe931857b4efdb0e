"""What a check finds: problems as values. Nothing here prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


def printable(text: str) -> str:
    """A text without what a terminal would obey: control characters but line ends are spelt out."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


class Severity(Enum):
    """How bad a problem is: an error fails the submission, a warning asks to look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    where: str
    message: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return printable(f"{self.severity.value}: {self.where}: {self.message}")


def warning(where: str, message: str) -> Problem:
    """A problem that does not fail the submission."""
    return Problem(where, message, Severity.WARNING)


def failed(problems: Sequence[Problem]) -> bool:
    """Whether one of them is an error."""
    return any(problem.severity is Severity.ERROR for problem in problems)
