"""The application behind TLS on this machine, for clients that speak to nobody without: https://localhost and a port,
under a certificate that is good for an hour."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from werkzeug.serving import make_server

from auth import tokens

_HOST = "localhost"


@dataclass(frozen=True)
class Site:
    """url: https://localhost:<port>, which is PUBLIC_URL as well; authority: path of the certificate to trust"""

    url: str
    authority: str


@contextmanager
def serving_tls(app: Flask, folder: Path) -> Iterator[Site]:
    """Serve the application in this process, by as many threads as ask.

    effects  from now on tokens are issued by this address; the fixture `app` of the next test takes that back
    """
    authority, certificate, key = _certificates(folder)
    server = make_server(_HOST, 0, app, threaded=True, ssl_context=(certificate, key))
    site = Site(f"https://{_HOST}:{server.server_port}", authority)
    settings = replace(app.extensions["settings"], public_url=site.url)
    app.extensions["settings"] = settings
    tokens.load_key(settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificates(folder: Path) -> tuple[str, str, str]:
    """Paths of an authority's certificate, and of the host's with its key."""
    own, hosts = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    authority = _begun(issuer, issuer, own.public_key(), own.public_key(), is_authority=True)
    host = _begun(subject, issuer, hosts.public_key(), own.public_key(), is_authority=False).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False
    )
    files = {
        "authority.pem": authority.sign(own, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        "host.pem": host.sign(own, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        "host.key": hosts.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    found = [str(folder / name) for name in files]
    return found[0], found[1], found[2]


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuers_key: ec.EllipticCurvePublicKey,
    *,
    is_authority: bool,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )  # fmt: skip
