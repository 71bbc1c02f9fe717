"""Private PostgreSQL and Valkey servers for the demo and the tests, removed when the run ends.

Product code never imports this package: it needs the ``dev`` extra, which installs the servers' binaries.
"""
