"""Safe return addresses after a log-in."""

from backend.core.text import has_control_characters

HOME = "/"
MAX_LENGTH = 500


def own_page(address: str | None) -> str:
    """``address`` if it is a path on our own site, else the home page. Prevents open redirects.

    A path begins with one slash. Two slashes name a host. Browsers treat a backslash as a slash, and strip control
    characters before parsing.
    """
    if address is None or len(address) > MAX_LENGTH or not address.startswith("/") or address.startswith("//"):
        return HOME
    if "\\" in address or has_control_characters(address):
        return HOME
    return address
