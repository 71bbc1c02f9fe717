"""How a call to the outside can fail.

::

    GatewayError
    ├── Unavailable   nothing was done there; the same call may be tried again
    ├── Rejected      the other side refused for good; trying again changes nothing
    └── Unknown       it may or may not have been done; ask before doing anything else
"""


class GatewayError(Exception):
    """A call to an outside system failed. ``code`` is stable; ``message`` never holds secrets."""

    def __init__(self, system: str, code: str, message: str = "") -> None:
        super().__init__(f"{system}: {code}: {message}" if message else f"{system}: {code}")
        self.system = system
        self.code = code
        self.message = message


class Unavailable(GatewayError):
    """The call had no effect there (no connection, 'busy, try later'): the same call may be repeated.

    ``retry_after`` is the number of seconds the other side asked for, if it did.
    """

    def __init__(self, system: str, code: str, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(system, code, message)
        self.retry_after = retry_after


class Rejected(GatewayError):
    """The other side understood and refused."""


class Unknown(GatewayError):
    """No trustworthy answer came (time-out, 5xx, bad signature): query before doing anything else."""
