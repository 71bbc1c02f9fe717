"""Errors of calls to outside systems.

::

    GatewayError
    ├── Unavailable   the call had no effect; retry the same call
    ├── Rejected      the other side refused for good; a retry won't help
    └── Unknown       the call may or may not have taken effect; query before doing anything else
"""


class GatewayError(Exception):
    """A call to an outside system failed. ``code`` is stable; ``message`` never holds secrets."""

    def __init__(self, system: str, code: str, message: str = "") -> None:
        super().__init__(f"{system}: {code}: {message}" if message else f"{system}: {code}")
        self.system = system
        self.code = code
        self.message = message


class Unavailable(GatewayError):
    """The call had no effect (no connection, 'busy, try later'); the same call may be retried.

    ``retry_after`` is the number of seconds the other side asked to wait; None if it named none.
    """

    def __init__(self, system: str, code: str, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(system, code, message)
        self.retry_after = retry_after


class Rejected(GatewayError):
    """The other side understood the call and refused it."""


class Unknown(GatewayError):
    """No trustworthy answer (timeout, 5xx, bad signature): query the state before doing anything else."""
