"""PostgreSQL and Valkey of our own for the demo and the tests: private to a run, gone when it ends.

Product code never imports this package; it needs the ``dev`` extra, which carries the servers' binaries.
"""
