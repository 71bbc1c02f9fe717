"""Where a caller is on the network, as far as anybody may be counted by it."""

import ipaddress


def network_of(ip: str | None) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that one caller has to itself: in IPv6 a line's /64, or it would be as many as it likes.

    None for what isn't an address.
    """
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return ipaddress.IPv6Network((int(address), 64), strict=False)
    return ipaddress.IPv4Network((int(address), 32))
