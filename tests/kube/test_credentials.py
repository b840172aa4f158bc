"""Credentials are kept fresh; one that cannot be had is an error, never an anonymous request."""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aurora_tui.clock import iso
from aurora_tui.kube import credentials as credentials_module
from aurora_tui.kube.access import Access, ExecPlugin, Impersonation, User
from aurora_tui.kube.credentials import Credentials
from aurora_tui.kube.errors import CredentialError
from tests.kube.conditions import until

V1 = "client.authentication.k8s.io/v1"


def credentials(**user: Any) -> Credentials:
    return Credentials(
        Access(context="c", cluster="c", server="https://k", namespace="n", user=User(name="me", **user))
    )


def script(tmp_path: Path, body: str) -> ExecPlugin:
    path = tmp_path / "plugin"
    path.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\n{body}\n")
    path.chmod(0o755)
    return ExecPlugin(command=str(path), api_version=V1, provide_cluster_info=True)


def prints(tmp_path: Path, status: dict[str, Any], version: str = V1) -> ExecPlugin:
    (tmp_path / "answer").write_text(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))
    return script(tmp_path, f"cat {tmp_path}/answer")


def runs(tmp_path: Path) -> int:
    return (tmp_path / "runs").read_text().count("run")


def ended(process: int) -> bool:
    """Gone, or waiting for its parent to notice."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_a_token_is_sent_as_bearer() -> None:
    assert (await credentials(token="t").current()).headers == (("Authorization", "Bearer t"),)


async def test_a_name_and_password_are_sent_as_basic() -> None:
    expected = "Basic " + base64.b64encode(b"u:p").decode()
    assert (await credentials(username="u", password="p").current()).headers == (("Authorization", expected),)


async def test_a_token_file_is_stripped_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    mine = credentials(token_file=path)
    assert (await mine.current()).headers[0][1] == "Bearer one"
    path.write_text("two\n")
    assert (await mine.current()).headers[0][1] == "Bearer two"


async def test_a_token_file_wins_over_a_token_and_falls_back_to_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("file")
    mine = credentials(token_file=path, token="value")
    assert (await mine.current()).headers[0][1] == "Bearer file"
    path.unlink()
    assert (await mine.current()).headers[0][1] == "Bearer value"


async def test_a_missing_or_empty_token_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="cannot read the token file"):
        await credentials(token_file=tmp_path / "gone").current()
    (tmp_path / "empty").touch()
    with pytest.raises(CredentialError, match="is empty"):
        await credentials(token_file=tmp_path / "empty").current()


async def test_a_token_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CredentialError, match="token does not hold text"):
        await credentials(token_file=path).current()


async def test_impersonation_becomes_headers() -> None:
    who = Impersonation(user="bob", uid="7", groups=("a", "b"), extra={"example.com/Why": ("x", "y")})
    assert (await credentials(token="t", impersonate=who).current()).headers[1:] == (
        ("Impersonate-User", "bob"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-example.com%2Fwhy", "x"),
        ("Impersonate-Extra-example.com%2Fwhy", "y"),
    )


async def test_a_name_with_a_line_break_is_refused() -> None:
    with pytest.raises(CredentialError):
        await credentials(token="t", impersonate=Impersonation(user="bob\r\nX: y")).current()
    with pytest.raises(CredentialError):
        await credentials(token="t", impersonate=Impersonation(user="bob\0")).current()
    with pytest.raises(CredentialError):
        await credentials(token="a\nb").current()


async def test_a_plugin_is_run_once_and_its_token_used(tmp_path: Path) -> None:
    mine = credentials(plugin=prints(tmp_path, {"token": "from-plugin"}))
    await mine.prepare()
    assert (await mine.current()).headers[0][1] == "Bearer from-plugin"
    assert runs(tmp_path) == 1


async def test_a_plugins_certificate_is_used(tmp_path: Path) -> None:
    plugin = prints(tmp_path, {"clientCertificateData": "CERT", "clientKeyData": "KEY"})
    identity = await credentials(plugin=plugin).current()
    assert identity.headers == ()
    assert identity.certificate is not None
    assert identity.certificate.key_data == b"KEY"


async def test_a_plugin_is_run_again_before_its_credential_expires(tmp_path: Path) -> None:
    mine = credentials(plugin=prints(tmp_path, {"token": "t", "expirationTimestamp": iso(time.time() + 3600)}))
    await mine.current()
    await mine.current()
    assert runs(tmp_path) == 1
    assert mine._obtained is not None
    old = credentials_module._Obtained("t", None, time.time() - 3600, time.time() + 5)
    mine._obtained = old
    await mine.current()
    assert runs(tmp_path) == 2


async def test_after_a_401_a_plugin_is_run_again_but_not_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = credentials(plugin=prints(tmp_path, {"token": "t"}))
    for _ in range(3):
        await mine.current()
        mine.rejected()
    await mine.current()
    assert runs(tmp_path) == 2
    monkeypatch.setattr(credentials_module, "_LEAST", 0.0)
    mine.rejected()
    await mine.current()
    assert runs(tmp_path) == 3


async def test_a_plugin_that_fails_is_not_run_for_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = credentials(plugin=script(tmp_path, "exit 1"))
    for _ in range(5):
        with pytest.raises(CredentialError, match="failed with exit code 1"):
            await mine.current()
    assert runs(tmp_path) == 1
    monkeypatch.setattr(mine, "_refused_until", 0.0)
    with pytest.raises(CredentialError):
        await mine.current()
    assert (runs(tmp_path), mine._refused_for) == (2, 10.0)


async def test_a_plugin_is_told_that_nobody_is_there_and_which_cluster(tmp_path: Path) -> None:
    body = (
        f'printf %s "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; if read line; then exit 9; fi; '
        f'echo \'{{"apiVersion":"{V1}","kind":"ExecCredential","status":{{"token":"t"}}}}\''
    )
    await credentials(plugin=script(tmp_path, body)).current()
    info = json.loads((tmp_path / "info").read_text())
    assert info["spec"] == {"interactive": False, "cluster": {"server": "https://k"}}


async def test_a_plugin_that_wants_the_authority_is_not_run_without_it(tmp_path: Path) -> None:
    plugin = prints(tmp_path, {"token": "t"})
    access = Access(
        context="c",
        cluster="c",
        server="https://k",
        namespace="n",
        user=User(name="me", plugin=plugin),
        ca_file=tmp_path / "gone.crt",
    )
    with pytest.raises(CredentialError, match=r"cannot read the CA file .*gone\.crt"):
        await Credentials(access).current()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("ours", "more", "seen"), [(True, [], "unset"), (True, ["/theirs"], "/theirs"), (False, ["/theirs"], "/theirs")]
)
async def test_a_plugin_does_not_inherit_our_own_modules(
    tmp_path: Path, ours: bool, more: list[str], seen: str
) -> None:
    root = Path(credentials_module.__file__).parents[2]
    plugin = script(tmp_path, f'printf %s "${{PYTHONPATH-unset}}" > {tmp_path}/path; exit 1')
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(([str(root)] if ours else []) + more)}
    access = Access(context="c", cluster="c", server="https://k", namespace="n", user=User(name="me", plugin=plugin))
    with pytest.raises(CredentialError):
        await Credentials(access, environ).current()
    assert (tmp_path / "path").read_text() == seen


async def test_a_plugins_own_variables_are_its_own(tmp_path: Path) -> None:
    made = script(tmp_path, f'printf %s "$PYTHONPATH" > {tmp_path}/path; exit 1')
    with pytest.raises(CredentialError):
        await credentials(plugin=replace(made, env=(("PYTHONPATH", "/named"),))).current()
    assert (tmp_path / "path").read_text() == "/named"


async def test_a_plugin_that_cannot_be_started_is_an_error() -> None:
    plugin = ExecPlugin(command="echo", args=("a\0b",), api_version=V1)
    with pytest.raises(CredentialError, match="cannot be run"):
        await credentials(plugin=plugin).current()


async def test_a_plugin_has_no_terminal_to_ask_on(tmp_path: Path) -> None:
    plugin = script(tmp_path, "if (: < /dev/tty) 2>/dev/null; then exit 8; fi; echo no terminal >&2; exit 3")
    with pytest.raises(CredentialError, match="exit code 3: no terminal"):
        await credentials(plugin=plugin).current()


async def test_a_plugin_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_module, "PLUGIN_SECONDS", 0.3)
    plugin = script(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(CredentialError, match=r"gave nothing within 0.3 s"):
        await credentials(plugin=plugin).current()
    child = int((tmp_path / "child").read_text())
    await until(lambda: ended(child))


async def test_what_a_plugin_leaves_behind_with_its_output_is_ended_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_module, "PLUGIN_SECONDS", 0.5)
    plugin = script(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child")
    with pytest.raises(CredentialError, match=r"gave nothing within 0.5 s"):
        await credentials(plugin=plugin).current()
    child = int((tmp_path / "child").read_text())
    await until(lambda: ended(child))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("printf '\\377'", "did not print an ExecCredential"),
        ("printf '\"\\377\"'", "did not print an ExecCredential"),
        ("exit 1", "exit code 1"),
        ("echo 'token expired, log in' >&2; exit 2", "token expired, log in"),
        ("echo hello", "did not print an ExecCredential"),
        (f'echo \'{{"apiVersion":"{V1}","kind":"Secret"}}\'', "printed Secret"),
        (f'echo \'{{"apiVersion":"{V1}beta1","kind":"ExecCredential","status":{{"token":"t"}}}}\'', "v1beta1, not"),
        (f'echo \'{{"apiVersion":"{V1}","kind":"ExecCredential"}}\'', "neither a token nor a certificate"),
        (
            f'echo \'{{"apiVersion":"{V1}","kind":"ExecCredential","status":{{"clientCertificateData":"C"}}}}\'',
            "without its key",
        ),
    ],
)
async def test_a_plugin_that_fails_is_an_error_with_its_words(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(CredentialError) as caught:
        await credentials(plugin=script(tmp_path, body)).current()
    assert words in str(caught.value)


async def test_a_plugin_that_is_not_installed_comes_with_its_hint() -> None:
    plugin = ExecPlugin(command="no-such-login", api_version=V1, install_hint="brew install no-such-login")
    with pytest.raises(CredentialError, match="brew install no-such-login"):
        await credentials(plugin=plugin).current()
    assert os.environ.get("KUBERNETES_EXEC_INFO") is None
