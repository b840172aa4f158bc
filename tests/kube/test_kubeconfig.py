"""The kubeconfig is read as kubectl reads it; what cannot be used is refused in words."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aurora_tui.kube.access import Access, Impersonation
from aurora_tui.kube.errors import KubeconfigError
from aurora_tui.kube.kubeconfig import load_access
from aurora_tui.kube.proxy import environment_proxy


def config(
    name: str = "a", *, current: str | None = None, cluster: dict[str, Any] | None = None, **user: Any
) -> dict[str, Any]:
    """A file with one context, one cluster and one user of the same name."""
    return {
        "current-context": name if current is None else current,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.test:6443", **(cluster or {})}}],
        "users": [{"name": name, "user": user}],
    }


def write(path: Path, content: dict[str, Any] | str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def load(tmp_path: Path, content: dict[str, Any] | str, context: str | None = None, **environ: str) -> Access:
    return load_access(kubeconfig=write(tmp_path / "config", content), context=context, environ=environ)


def test_the_first_file_wins_for_the_current_context(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", config("a")), write(tmp_path / "b", config("b"))
    assert load_access(environ={"KUBECONFIG": f"{a}:{b}"}).server == "https://a.test:6443"
    assert load_access(environ={"KUBECONFIG": f"{b}:{a}"}).server == "https://b.test:6443"


def test_the_first_file_wins_for_each_name(tmp_path: Path) -> None:
    other = config("a", cluster={"server": "https://wrong.test"}, token="wrong")
    a, b = write(tmp_path / "a", config("a", token="right")), write(tmp_path / "b", other)
    access = load_access(environ={"KUBECONFIG": f"{a}:{b}"})
    assert (access.server, access.user.token) == ("https://a.test:6443", "right")


def test_contexts_clusters_and_users_may_stand_in_different_files(tmp_path: Path) -> None:
    whole = config("a", token="t")
    parts = [{"current-context": "a"}, *({key: whole[key]} for key in ("contexts", "clusters", "users"))]
    paths = [write(tmp_path / str(number), part) for number, part in enumerate(parts)]
    assert load_access(environ={"KUBECONFIG": ":".join(paths)}).user.token == "t"


def test_files_that_do_not_exist_and_empty_ones_are_passed_over(tmp_path: Path) -> None:
    paths = [str(tmp_path / "gone"), write(tmp_path / "empty", ""), write(tmp_path / "a", config("a"))]
    assert load_access(environ={"KUBECONFIG": ":".join(paths)}).context == "a"


def test_without_KUBECONFIG_the_home_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path / ".kube/config", config("home"))
    assert load_access(environ={"HOME": str(tmp_path)}).context == "home"


def test_a_named_file_is_the_only_one(tmp_path: Path) -> None:
    named, other = write(tmp_path / "named", config("named")), write(tmp_path / "other", config("other"))
    assert load_access(kubeconfig=named, environ={"KUBECONFIG": other}).context == "named"


def test_a_context_can_be_chosen(tmp_path: Path) -> None:
    both = config("a")
    both["contexts"] += [{"name": "second", "context": {"cluster": "a", "user": "a"}}]
    access = load(tmp_path, both, "second")
    assert (access.context, access.namespace) == ("second", "default")


@pytest.mark.needs("kubectl")
def test_kubectl_agrees_on_which_cluster_and_user(tmp_path: Path) -> None:
    a = config("a", token="first")
    b = {**config("b"), "users": [{"name": "a", "user": {"token": "second"}}, *config("b")["users"]]}
    paths = ":".join([write(tmp_path / "a", a), write(tmp_path / "b", b)])
    kubectl = shutil.which("kubectl") or "kubectl"
    for context in (None, "b"):
        shown = subprocess.run(
            [
                kubectl,
                "config",
                "view",
                "--minify",
                "--raw",
                "-o",
                "json",
                *(["--context", context] if context else []),
            ],
            env={"KUBECONFIG": paths, "HOME": str(tmp_path)},
            capture_output=True,
            check=True,
        )
        said, ours = json.loads(shown.stdout), load_access(context=context, environ={"KUBECONFIG": paths})
        assert said["clusters"][0]["cluster"]["server"] == ours.server
        assert said["users"][0]["user"].get("token") == ours.user.token
        assert said["contexts"][0]["context"]["namespace"] == ours.namespace


def test_relative_paths_belong_to_the_file_they_stand_in(tmp_path: Path) -> None:
    user = {"client-certificate": "pki/me.crt", "client-key": "pki/me.key"}
    path = write(tmp_path / "deep/config", config("a", cluster={"certificate-authority": "ca.crt"}, **user))
    access = load_access(kubeconfig=path)
    assert access.ca_file == tmp_path / "deep/ca.crt"
    assert access.user.certificate_file == tmp_path / "deep/pki/me.crt"
    assert access.user.key_file == tmp_path / "deep/pki/me.key"


def test_data_wins_over_the_file_beside_it(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n"
    cluster = {"certificate-authority": "no.crt", "certificate-authority-data": base64.b64encode(pem.encode()).decode()}
    access = load(tmp_path, config("a", cluster=cluster))
    assert (access.ca_file, access.ca_data) == (None, pem)


def test_everything_of_a_cluster_is_honoured(tmp_path: Path) -> None:
    cluster = {"insecure-skip-tls-verify": True, "tls-server-name": "inner", "proxy-url": "http://proxy:3128"}
    access = load(tmp_path, config("a", cluster=cluster))
    assert (access.verify, access.tls_server_name, access.proxy) == (False, "inner", "http://proxy:3128")


def test_impersonation_is_honoured(tmp_path: Path) -> None:
    user = {"as": "bob", "as-uid": "7", "as-groups": ["ops"], "as-user-extra": {"reason": ["drill"]}}
    assert load(tmp_path, config("a", **user)).user.impersonate == Impersonation(
        user="bob", uid="7", groups=("ops",), extra={"reason": ("drill",)}
    )


def test_an_exec_plugin_is_read_with_its_command_relative_to_the_file(tmp_path: Path) -> None:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./bin/login",
        "args": ["--quiet"],
        "env": [{"name": "A", "value": "b"}],
        "interactiveMode": "IfAvailable",
    }
    found = load(tmp_path, config("a", exec=plugin)).user.plugin
    assert found is not None
    assert (found.command, found.args, found.env) == (str(tmp_path / "bin/login"), ("--quiet",), (("A", "b"),))
    bare = load(tmp_path, config("a", exec={**plugin, "command": "kubelogin"})).user.plugin
    assert bare is not None
    assert bare.command == "kubelogin"


def test_a_comment_between_certificates_may_be_in_any_language(tmp_path: Path) -> None:
    bundle = base64.b64encode("# Autorité\n-----BEGIN CERTIFICATE-----\n".encode()).decode()
    data = load(tmp_path, config("a", cluster={"certificate-authority-data": bundle})).ca_data
    assert data is not None
    assert data.isascii()
    assert data.endswith("-----BEGIN CERTIFICATE-----\n")


def test_unknown_keys_are_left_alone(tmp_path: Path) -> None:
    assert load(tmp_path, {**config("a"), "preferences": {}, "extensions": [{"name": "x"}]}).context == "a"


V1 = "client.authentication.k8s.io/v1"
BAD: list[tuple[Any, str | None, str]] = [
    ("{ not: yaml: at all", None, "not a kubeconfig"),
    ("a: 2020-99-99", None, "not a kubeconfig"),
    ("a: !!bool x", None, "not a kubeconfig"),
    ("[" * 5000 + "]" * 5000, None, "not a kubeconfig"),
    ({**config("a"), "clusters": "none"}, None, "$.clusters"),
    ({**config("a"), "users": [{"name": "a", "user": {"token": 7}}]}, None, "$.users[0].user.token"),
    (config("a", current="", token="t"), None, "no current context"),
    (config("a"), "b", "no context 'b'"),
    (config("a", current="gone"), None, "no context 'gone'"),
    ({**config("a"), "clusters": []}, None, "names the cluster 'a'"),
    ({**config("a"), "users": []}, None, "names the user 'a'"),
    (config("a", cluster={"server": ""}), None, "has no server"),
    (config("a", cluster={"server": "https://k.test:port"}), None, "its server is not a URL"),
    (config("a", cluster={"server": "https://[::1"}), None, "its server is not a URL"),
    (config("a", cluster={"server": "https://me:hunter2@k.test"}), None, "holds a user name"),
    (config("a", cluster={"proxy-url": "socks5://h:1080"}), None, "SOCKS"),
    (config("a", cluster={"certificate-authority-data": "%%"}), None, "certificate-authority-data is not base64"),
    (config("a", cluster={"insecure-skip-tls-verify": True, "certificate-authority": "x"}), None, "both"),
    (config("a", **{"client-certificate": "x"}), None, "without a key"),
    (config("a", **{"as-groups": ["g"]}), None, "no user"),
    (config("a", token="t", username="u"), None, "both a token and a user name"),
    (config("a", **{"auth-provider": {"name": "gcp"}}), None, "auth-provider 'gcp'"),
    (config("a", exec={"command": "x", "apiVersion": "client.authentication.k8s.io/v1alpha1"}), None, "v1alpha1"),
    (config("a", exec={"command": "x", "apiVersion": V1, "interactiveMode": "Always"}), None, "talk to a person"),
]


@pytest.mark.parametrize(("content", "context", "words"), BAD, ids=[words for *_, words in BAD])
def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path, content: Any, context: str | None, words: str) -> None:
    with pytest.raises(KubeconfigError) as caught:
        load(tmp_path, content, context)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_file_named_but_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="does not exist"):
        load_access(kubeconfig=str(tmp_path / "gone"))
    with pytest.raises(KubeconfigError, match="no kubeconfig"):
        load_access(environ={"HOME": str(tmp_path)})


def test_a_broken_file_is_never_quoted(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError) as caught:
        load(tmp_path, "users:\n- name: a\n  user: {token: hunter2-secret: [}\n")
    assert "hunter2" not in str(caught.value)


def test_no_secret_is_in_any_repr(tmp_path: Path) -> None:
    access = load(tmp_path, config("a", token="hunter2-secret", **{"client-key-data": "aHVudGVyMi1rZXk=",
                                                                   "client-certificate-data": "Y2VydA=="}))  # fmt: skip
    assert "hunter2" not in repr(access)


@pytest.fixture
def account(tmp_path: Path) -> Path:
    for name, content in (("token", "sa-token\n"), ("namespace", "aurora"), ("ca.crt", "pem")):
        write(tmp_path / "sa" / name, content)
    return tmp_path / "sa"


def test_inside_a_cluster_the_service_account_is_used(account: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    access = load_access(in_cluster=True, environ=environ, service_account=account)
    assert (access.server, access.namespace) == ("https://[fd00::1]:6443", "aurora")
    assert (access.user.token_file, access.ca_file) == (account / "token", account / "ca.crt")


def test_without_any_kubeconfig_a_pod_uses_its_service_account(account: Path, tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOME": str(tmp_path)}
    assert load_access(environ=environ, service_account=account).context == "in-cluster"


def test_outside_a_cluster_in_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="not inside a cluster"):
        load_access(in_cluster=True, environ={}, service_account=tmp_path)


@pytest.mark.parametrize(
    ("server", "environ", "proxy"),
    [
        ("https://k.test:6443", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://k.test:6443", {"https_proxy": "p:1"}, "http://p:1"),
        ("https://k.test:6443", {"HTTP_PROXY": "http://p:1"}, None),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://localhost:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://k.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("https://k.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".test"}, None),
        ("https://k.test:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "est"}, "http://p:1"),
        ("https://k.test:6443", {"HTTPS_PROXY": "http://p:1", "no_proxy": "k.test:6443"}, None),
        ("https://k.test:6443", {"HTTPS_PROXY": "http://p:1", "no_proxy": "k.test:443"}, "http://p:1"),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.1.2.3:6443"}, None),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.1.2.3:443"}, "http://p:1"),
        ("https://k.test", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "k.test:443"}, None),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "[fd00::1]:6443"}, None),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, None),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "fd00::1"}, None),
        ("https://k.test:6443", {"ALL_PROXY": "http://p:1"}, None),
    ],
)
def test_a_proxy_of_the_environment_is_used_as_go_uses_it(
    server: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert environment_proxy(server, environ) == proxy
