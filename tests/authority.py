"""An authority of our own that vouches for a server on the loopback interface."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.x509.oid import NameOID

from bridge.demo.account import private_directory, server_account

__all__ = ["Vouched", "another_authority", "vouched"]

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Vouched:
    """Files: what a server shows, its key, and the authority that vouches for it. They belong to
    the account that runs the tests' servers."""

    certificate: Path
    key: Path
    authority: Path


def vouched(directory: Path, *, host: str) -> Vouched:
    """For a server that calls itself `host`, an address."""
    account = server_account()
    home = private_directory(account, directory, "authority")
    home.chmod(0o755)  # our own sessions read the authority, the server reads its key
    ours, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    made = Vouched(home / "server.pem", home / "server.key", home / "authority.pem")
    made.authority.write_bytes(_certificate("an authority", ours, ours, None))
    made.certificate.write_bytes(_certificate("a server", key, ours, names))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    for file in (made.certificate, made.key):
        account.own(file)
    return made


def another_authority(directory: Path) -> Path:
    """The file of one that has vouched for nobody."""
    file = directory / "another-authority.pem"
    key = generate_private_key(SECP256R1())
    file.write_bytes(_certificate("another authority", key, key, None))
    return file


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    signer: EllipticCurvePrivateKey,
    names: x509.SubjectAlternativeName | None,
) -> bytes:
    now = datetime.now(UTC)
    is_authority = names is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(name if is_authority else "an authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    signed = builder.sign(signer, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
