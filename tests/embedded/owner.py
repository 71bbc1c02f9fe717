"""A program that owns both servers: ``owner.py PREFIX [UID]``, run by the tests and ended by them in many ways.

It prints its directory when the servers answer, and waits. On Ctrl-C it says whether they still serve.
With a UID it becomes that user first, after everything is imported: the interpreter may lie where only root can read.
"""

import os
import signal
import sys

import redis

from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.run_directory import run_directory
from backend.embedded.valkey import EmbeddedValkey


def main(prefix: str, uid: int | None) -> None:
    # A shell that runs the tests in its background makes its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if uid is not None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    with (
        run_directory(prefix) as directory,
        EmbeddedPostgres(directory) as postgres,
        EmbeddedValkey(directory) as valkey,
    ):
        try:
            print(directory, flush=True)  # noqa: T201 - the tests read it
            signal.pause()
        except KeyboardInterrupt:
            postgres.create_database("made_after_ctrl_c")
            redis.Redis.from_url(valkey.url()).ping()
            print("still serving", flush=True)  # noqa: T201 - the tests read it


main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
