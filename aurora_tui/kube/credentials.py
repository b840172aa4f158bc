"""Saying who we are on every request: tokens read again from their file, exec plugins run again in time.

A credential that cannot be had is an error: the API is never asked anonymously instead.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec

from aurora_tui.errors import AuroraError
from aurora_tui.kube.access import Access, ExecPlugin, Impersonation
from aurora_tui.kube.decoding import read_json
from aurora_tui.kube.errors import CredentialError
from aurora_tui.text import safe

PLUGIN_SECONDS = 15.0
_OUR_ROOT = Path(__file__).resolve().parents[2]
_EARLY = 10.0  # a plugin's credential is renewed this long before it expires
_LEAST = 5.0  # and never more often than this: a broken clock must not start a process per request
_LONGEST = 30.0  # a plugin that fails is run again after 5, 10, 20, 30 s: it may open a browser each time


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """A certificate and its key: files, or PEM bytes that stand in no file of their own."""

    certificate_file: Path | None = None
    key_file: Path | None = None
    certificate_data: bytes | None = field(default=None, repr=False)
    key_data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What one request carries. `headers` may hold a name more than once."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    certificate: ClientCertificate | None = None


class _ExecStatus(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: Annotated[datetime, msgspec.Meta(tz=True)] | None = None  # RFC 3339, so with its zone


class _ExecCredential(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    status: _ExecStatus | None = None


_CREDENTIAL = msgspec.json.Decoder(_ExecCredential)


@dataclass(frozen=True, slots=True)
class _Obtained:
    token: str | None
    certificate: ClientCertificate | None
    at: float
    until: float | None


class Credentials:
    """The credentials of one `Access`, kept fresh. Times are wall clock: tokens expire in real time."""

    def __init__(self, access: Access, environ: Mapping[str, str] = os.environ) -> None:
        self._access = access
        self._environ = environ
        self._obtained: _Obtained | None = None
        self._rejected_at = -_LEAST
        self._refusal: AuroraError | None = None  # why the plugin gave nothing, and until when that stands
        self._refused_until = 0.0
        self._refused_for = 0.0
        self._asking = asyncio.Lock()
        user = access.user
        self._certificate = (
            ClientCertificate(
                # As kubectl: data wins over the file beside it.
                certificate_file=None if user.certificate_data else user.certificate_file,
                key_file=None if user.key_data else user.key_file,
                certificate_data=user.certificate_data,
                key_data=user.key_data,
            )
            if user.certificate_data or user.certificate_file
            else None
        )

    async def prepare(self) -> None:
        """Get what takes time or may fail (a plugin, a file) now, before a screen opens. CredentialError."""
        await self.current()

    async def current(self) -> Identity:
        """What the next request carries. Raises CredentialError, naming the file or plugin and why."""
        user = self._access.user
        certificate = self._certificate
        token = _file_token(user.token_file, user.token) if user.token_file else user.token
        headers: list[tuple[str, str]] = []
        if token is None and user.username is None and user.plugin is not None:
            obtained = await self._from_plugin(user.plugin)
            token, certificate = obtained.token, obtained.certificate or certificate
        if token is not None:
            headers.append(("Authorization", f"Bearer {_one_line(token, user.name)}"))
        elif user.username is not None:
            pair = base64.b64encode(f"{user.username}:{user.password or ''}".encode()).decode()
            headers.append(("Authorization", f"Basic {pair}"))
        if user.impersonate is not None:
            headers += _impersonation_headers(user.impersonate)
        return Identity(headers=tuple(headers), certificate=certificate)

    def rejected(self) -> None:
        """The API answered 401: the next request runs the plugin again, unless that was just tried."""
        if self._obtained is not None and time.monotonic() - self._rejected_at >= _LEAST:
            self._obtained, self._rejected_at = None, time.monotonic()

    async def _from_plugin(self, plugin: ExecPlugin) -> _Obtained:
        async with self._asking:
            if self._obtained is None or not _fresh(self._obtained):
                if self._refusal is not None and time.monotonic() < self._refused_until:
                    raise CredentialError(self._refusal.what, self._refusal.remedy)
                try:
                    self._obtained = _obtain(plugin, await run_plugin(plugin, self._access, self._environ))
                except CredentialError as error:
                    self._refused_for = min(_LONGEST, max(_LEAST, self._refused_for * 2.0))
                    self._refusal, self._refused_until = error, time.monotonic() + self._refused_for
                    raise
                self._refusal, self._refused_for = None, 0.0
            return self._obtained


def _fresh(obtained: _Obtained) -> bool:
    return obtained.until is None or time.time() < max(obtained.until - _EARLY, obtained.at + _LEAST)


def _file_token(path: Path, otherwise: str | None) -> str | None:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise CredentialError(f"the token file {path} does not hold text", "Write the token alone.") from error
    except OSError as error:
        if otherwise:
            return otherwise
        raise CredentialError(
            f"cannot read the token file {path}: {error.strerror}", "Renew it, or check its permissions."
        ) from error
    if not token and not otherwise:
        raise CredentialError(f"the token file {path} is empty", "Write a token to it.")
    return token or otherwise


def _one_line(token: str, user: str) -> str:
    token = token.strip()
    if not token.isprintable() or " " in token or not token.isascii():
        raise CredentialError(f"the token of {user!r} holds characters no token has", "Write the token alone.")
    return token


def _impersonation_headers(who: Impersonation) -> list[tuple[str, str]]:
    # https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
    headers = [("Impersonate-User", who.user)]
    headers += [("Impersonate-Uid", who.uid)] if who.uid else []
    headers += [("Impersonate-Group", group) for group in who.groups]
    for key, values in who.extra.items():
        headers += [(f"Impersonate-Extra-{quote(key.lower(), safe='')}", value) for value in values]
    if any(character in value for _, value in headers for character in "\r\n\0"):
        raise CredentialError("an impersonated name holds a line break or NUL", "Correct `as` in the kubeconfig.")
    return headers


async def run_plugin(plugin: ExecPlugin, access: Access, environ: Mapping[str, str] = os.environ) -> bytes:
    """What the plugin printed. Its stdin is closed and it has no terminal; CredentialError when it fails."""
    name = safe(plugin.command, 120)
    info: dict[str, object] = {
        "apiVersion": plugin.api_version,
        "kind": "ExecCredential",
        "spec": {"interactive": False} | ({"cluster": _cluster_info(access)} if plugin.provide_cluster_info else {}),
    }
    environment = {
        **_without_our_modules(environ),
        **dict(plugin.env),
        "KUBERNETES_EXEC_INFO": msgspec.json.encode(info).decode(),
    }
    hint = safe(plugin.install_hint, 300, lines=True) if plugin.install_hint else "Install it, or correct its path."
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        why = getattr(error, "strerror", None) or safe(str(error), 120)
        raise CredentialError(f"the exec plugin {name} cannot be run: {why}", hint) from error
    ended = False
    try:
        async with asyncio.timeout(PLUGIN_SECONDS):
            out, err = await process.communicate()
        ended = True
    except TimeoutError:
        raise CredentialError(
            f"the exec plugin {name} gave nothing within {PLUGIN_SECONDS:g} s",
            "Run it by hand: it may wait for a person or for the network.",
        ) from None
    finally:
        if not ended:  # it may itself be gone while something it started holds on to its output
            await _kill(process)
    if process.returncode != 0:
        said = safe(err.strip()[-400:], 400)
        raise CredentialError(
            f"the exec plugin {name} failed with exit code {process.returncode}" + (f": {said}" if said else ""),
            "Sign in again, then run it by hand to see more.",
        )
    return out


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End the plugin and what it started: it leads a session of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _without_our_modules(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, but not our own PYTHONPATH (the launcher sets one): a plugin in Python has its own modules."""
    kept = [
        path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path and Path(path).resolve() != _OUR_ROOT
    ]
    rest = {name: value for name, value in environ.items() if name != "PYTHONPATH"}
    return rest | ({"PYTHONPATH": os.pathsep.join(kept)} if kept else {})


def _cluster_info(access: Access) -> dict[str, object]:
    info: dict[str, object] = {"server": access.server}
    if not access.verify:
        info["insecure-skip-tls-verify"] = True
    if access.ca_data:
        info["certificate-authority-data"] = base64.b64encode(access.ca_data.encode()).decode()
    elif access.ca_file:
        try:
            authority = access.ca_file.read_bytes()
        except OSError as error:
            raise CredentialError(
                f"cannot read the CA file {access.ca_file}, which the exec plugin is to be given: {error.strerror}",
                "Check certificate-authority in the kubeconfig.",
            ) from error
        info["certificate-authority-data"] = base64.b64encode(authority).decode()
    if access.tls_server_name:
        info["tls-server-name"] = access.tls_server_name
    if access.proxy:
        info["proxy-url"] = access.proxy
    return info


def _obtain(plugin: ExecPlugin, printed: bytes) -> _Obtained:
    name = safe(plugin.command, 120)
    remedy = "Update the plugin, or make apiVersion in the kubeconfig what it prints."

    def refuse(why: str) -> AuroraError:
        return CredentialError(f"the exec plugin {name} {why}", remedy)

    try:
        credential = read_json(_CREDENTIAL, printed)
    except msgspec.DecodeError:
        raise refuse("did not print an ExecCredential") from None
    if credential.kind != "ExecCredential" or credential.api_version != plugin.api_version:
        kind = safe(f"{credential.kind} {credential.api_version}", 80)
        raise refuse(f"printed {kind}, not ExecCredential {plugin.api_version}")
    status = credential.status
    if status is None or not (status.token or status.client_certificate_data):
        raise refuse("printed neither a token nor a certificate")
    if bool(status.client_certificate_data) != bool(status.client_key_data):
        raise refuse("printed a certificate without its key, or a key without its certificate")
    certificate = None
    if status.client_certificate_data and status.client_key_data:
        certificate = ClientCertificate(
            certificate_data=status.client_certificate_data.encode(), key_data=status.client_key_data.encode()
        )
    until = status.expiration_timestamp
    return _Obtained(status.token or None, certificate, time.time(), until.timestamp() if until else None)
