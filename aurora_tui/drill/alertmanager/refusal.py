"""What the API refuses, in the two shapes of the real server: a JSON string from its own code, {code, message} from the
framework that checks requests."""

from __future__ import annotations


class Refusal(Exception):
    """status: HTTP code. code: the framework's error code, or None for a plain JSON string."""

    def __init__(self, status: int, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    @property
    def body(self) -> object:
        return self.message if self.code is None else {"code": self.code, "message": self.message}


def malformed(what: str, reason: str) -> Refusal:
    """A body that is not the JSON it should be."""
    return Refusal(400, f'parsing {what} body from "" failed, because {reason}', 400)


def required(place: str, where: str = "body") -> Refusal:
    return Refusal(422, f"{place} in {where} is required", 602)
