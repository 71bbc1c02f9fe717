"""Caller addresses, grouped for counting requests and failures."""

import ipaddress


def network_of(ip: str | None) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network to count a caller by: the address itself in IPv4, its /64 in IPv6. None if ``ip`` is no address.

    Counting single IPv6 addresses would let one subscriber evade every limit, since they can pick any in their /64.
    """
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return ipaddress.IPv6Network((int(address), 64), strict=False)
    return ipaddress.IPv4Network((int(address), 32))
