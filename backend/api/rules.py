"""A deal in words, as every audience gets it."""

from backend.api.answers import Model


class ExampleOut(Model):
    """What one course of the camp pays; ``days`` are those that count."""

    text: str
    days: int
    amount_fen: int


class RuleOut(Model):
    """``fee_fen`` is the part of what is paid that never comes back once the camp has begun."""

    short: str
    full: list[str]
    examples: list[ExampleOut]
    fee_fen: int
