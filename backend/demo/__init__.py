"""``make demo``: a real camp goes by against the sandbox, through the public interfaces only."""
