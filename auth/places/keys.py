"""Public keys of terminals."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from auth.errors import PublicKeyInvalid


def checked(public_key: str) -> tuple[str, bytes]:
    """The key in one spelling, and SHA-256 of its DER.

    raises  PublicKeyInvalid, also for a private key: it was shown to us, so it is worth nothing any more
    """
    try:
        key = serialization.load_pem_public_key(public_key.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise PublicKeyInvalid from error
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not is_p256 and not isinstance(key, ed25519.Ed25519PublicKey):
        raise PublicKeyInvalid
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, form))
    return key.public_bytes(serialization.Encoding.PEM, form).decode(), digest.finalize()
