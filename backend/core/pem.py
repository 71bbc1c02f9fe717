"""RSA keys in PEM."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key


def private_key(pem: bytes) -> RSAPrivateKey | None:
    """The RSA private key; None if ``pem`` is anything else or needs a password."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        return None
    return key if isinstance(key, RSAPrivateKey) else None


def public_key(pem: bytes) -> RSAPublicKey | None:
    """The RSA public key; None if ``pem`` is anything else."""
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        return None
    return key if isinstance(key, RSAPublicKey) else None
