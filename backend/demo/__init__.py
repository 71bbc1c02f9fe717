"""``make demo``: runs a whole camp against the sandbox, through the public interfaces only."""
