"""Where a log-in may lead back to."""

from backend.core.text import has_control_characters

HOME = "/"
MAX_LENGTH = 500


def own_page(address: str | None) -> str:
    """``address`` if it is a path on our own site, else the home page: a log-in must not send people elsewhere.

    A path begins with one slash. Two would name a host, browsers read a backslash as a slash, and they drop
    control characters before they look.
    """
    if address is None or len(address) > MAX_LENGTH or not address.startswith("/") or address.startswith("//"):
        return HOME
    if "\\" in address or has_control_characters(address):
        return HOME
    return address
