"""One endpoint as bridgehead.yaml describes it, and how its secrets are resolved."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from bridge.configuration.duration import DAY, Duration
from bridge.configuration.problem import Fault, Faults, hint, shown
from bridge.configuration.validation import Name, Strict, Text
from connectors.endpoint import Endpoint, Secret
from connectors.errors import ConfigurationError

__all__ = ["EndpointSettings", "Families", "SecretReference", "known_families"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_WORD = re.compile(r"pass(wor[dt]|wd|phrase)?$|pwd|secret|token|credential", re.IGNORECASE)
_SECRET_LIMIT_BYTES = 65_536
_REFERENCE = "write a reference: {env: VARIABLE} or {file: PATH}"


class Family(Protocol):
    """What the configuration must know of a family."""

    @property
    def required_settings(self) -> frozenset[str]: ...

    @property
    def roles(self) -> tuple[str, ...]: ...

    @property
    def one_of_settings(self) -> tuple[str, ...]: ...


Families = Mapping[str, Family]


def known_families() -> Families:
    """The families this installation can connect to."""
    # It imports SQLAlchemy, which whoever only reads a job's model need not wait for.
    from connectors.registry import FAMILIES

    return FAMILIES


def _variable(name: str) -> str:
    if _VARIABLE.fullmatch(name) is None:
        raise ValueError("is not the name of an environment variable")
    return name


def _host(host: str) -> str:
    """A path is the directory of a local socket. The value is not shown: it may hold a password."""
    socket = host.startswith("/")
    if not host.isprintable() or not host or any(c in host for c in ("@ " if socket else "@/ ")):
        raise ValueError("must be a host name or an address alone, without user, port or database")
    return host


class SecretReference(Strict):
    """密钥引用. Where a secret is kept. It is never written into the configuration."""

    env: Annotated[str, AfterValidator(_variable)] | None = None
    """环境变量. The environment variable that holds the secret."""

    file: Name | None = None
    """文件. The file that holds the secret, relative to the configuration directory."""

    @model_validator(mode="after")
    def _one_of_both(self) -> SecretReference:
        if (self.env is None) == (self.file is None):
            raise ValueError(f"needs either env or file; {_REFERENCE}")
        return self

    def resolve(self, endpoint: str, key: str, directory: Path) -> Secret:
        """The secret as it stands now. ConfigurationError names the endpoint and the variable."""
        value, origin = self._from_env() if self.env else self._from_file(endpoint, key, directory)
        if not value:
            raise ConfigurationError(
                f"the {key} is not set: {origin} is empty or missing",
                endpoint=endpoint,
                remedy=f"set {origin} for the account that runs bridgehead",
            )
        return Secret(value)

    def _from_env(self) -> tuple[str, str]:
        variable = self.env or ""
        return os.environ.get(variable, ""), f"the environment variable {variable}"

    def _from_file(self, endpoint: str, key: str, directory: Path) -> tuple[str, str]:
        path = directory / (self.file or "")
        try:
            if not path.is_file():
                return "", f"the file {path}"
            with path.open("rb") as stream:
                content = stream.read(_SECRET_LIMIT_BYTES + 1)
            if len(content) > _SECRET_LIMIT_BYTES:
                raise ValueError("it is larger than 64 KB")
            return content.decode("utf-8-sig").rstrip("\r\n"), f"the file {path}"
        except (OSError, ValueError) as error:
            # A decoding error would print the bytes of the secret.
            reason = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
            message = f"the {key} cannot be read from the file {path}: {reason}"
            raise ConfigurationError(message, endpoint=endpoint) from None


with warnings.catch_warnings():
    # BaseModel still carries a deprecated method of this name; the file's word is `schema`.
    warnings.filterwarnings("ignore", message='Field name "schema"')

    class EndpointSettings(Strict):
        """数据源. Where a store is and how to log in."""

        family: str
        """库类型. The kind of store: postgresql, sqlite, …"""

        host: Annotated[str, AfterValidator(_host)] | None = None
        """主机. The server's name or address; none given: this machine."""

        port: Annotated[int, Field(ge=1, le=65535)] | None = None
        """端口. The server's port; none given: the family's usual one."""

        database: Name | None = None
        """库名. The database on the server."""

        user: Name | None = None
        """用户. Who logs in."""

        password: SecretReference | None = None
        """口令. Where the password is kept."""

        path: Name | None = None
        """路径. The file of a file database, relative to the configuration directory."""

        folder: Name | None = None
        """文件夹. The folder whose files are read, relative to the configuration directory."""

        driver: Name | None = None
        """ODBC 驱动. The name of an installed ODBC driver."""

        dsn: Name | None = None
        """ODBC 数据源. The name of an ODBC data source, in place of a driver."""

        schema: Name | None = None  # type: ignore[assignment]
        """模式. The schema of tables that are named without one."""

        connect_timeout: Annotated[Duration, Field(ge=1, le=600)] = 10
        """连接超时. How long to wait for a connection."""

        statement_timeout: Annotated[Duration, Field(le=DAY)] = 0
        """语句超时. How long a statement may take; 0 is no limit."""

        silence_timeout: Annotated[Duration, Field(ge=1, le=DAY)] = 3600
        """无应答超时. How long a store may say nothing before its connection is given up."""

        session_timeout: Annotated[Duration, Field(le=30 * DAY)] = 0
        """会话时限. How long a session of a run may last, whatever moves on it; 0 is no limit."""

        tls: Mapping[Name, Text] = Field(default_factory=dict)
        """加密传输. TLS options of the family's driver."""

        options: Mapping[Name, Text] = Field(default_factory=dict)
        """驱动选项. Other options of the family's driver."""

        @field_validator("family")
        @classmethod
        def _is_known(cls, family: str, info: ValidationInfo) -> str:
            families = _families(info)
            if families is not None and family not in families:
                raise ValueError(f"unknown family {shown(family)}{hint(family, families)}")
            return family

        @field_validator("password", mode="before")
        @classmethod
        def _is_a_reference(cls, password: object) -> object:
            if not isinstance(password, Mapping | SecretReference | None):
                raise ValueError(f"must not stand here as text; {_REFERENCE}")
            return password

        @field_validator("tls", "options")
        @classmethod
        def _without_secrets(cls, options: Mapping[str, str]) -> Mapping[str, str]:
            faults = [
                Fault((name,), "a secret must not stand here; only `password` takes a reference")
                for name in options
                if _SECRET_WORD.search(name)
            ]
            if faults:
                raise Faults(faults)
            return options

        @model_validator(mode="after")
        def _has_what_the_family_needs(self, info: ValidationInfo) -> EndpointSettings:
            families = _families(info)
            if families is None:
                return self
            family = families[self.family]
            missing = [
                name for name in sorted(family.required_settings) if getattr(self, name) is None
            ]
            if missing:
                message = f"is missing: an endpoint of family {self.family} needs it"
                raise Faults([Fault((name,), message) for name in missing])
            choice = family.one_of_settings
            given = [name for name in choice if getattr(self, name) is not None]
            if choice and len(given) != 1:
                found = "has both" if given else "is missing"
                message = (
                    f"{found}: an endpoint of family {self.family} needs {' or '.join(choice)}"
                )
                raise Faults([Fault((choice[0],), message)])
            return self

        def resolve(self, name: str, directory: Path) -> Endpoint:
            """The endpoint for connectors. ConfigurationError for a secret that is not set."""
            if self.password is None:
                return self._endpoint(name, directory, None)
            secret = self.password.resolve(name, "password", directory)
            return self._endpoint(name, directory, secret)

        def without_secrets(self, name: str, directory: Path) -> Endpoint:
            """The endpoint as far as it can be compared: no secret is read."""
            return self._endpoint(name, directory, None)

        def _endpoint(self, name: str, directory: Path, password: Secret | None) -> Endpoint:
            plain = self.model_dump(exclude={"password", "path", "folder"})
            place = self.path or self.folder
            path = None if place is None else os.path.normpath(directory / place)
            return Endpoint(name=name, password=password, path=path, **plain)


def _families(info: ValidationInfo) -> Families | None:
    """The families to check against; None when a model is built without a deployment."""
    return info.context["families"] if info.context else None
