"""Only the transport of the official package is loaded; the package stays importable, by every thread, at any time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_ALONE = """
import json, sys
from aurora_tui.kube.official import client_module
rest, configuration = client_module("rest"), client_module("configuration")
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in ("kubernetes", "pydantic"))
import kubernetes.aio.client
print(json.dumps({
    "usable": [hasattr(rest, "RESTClientObject"), hasattr(configuration, "Configuration")],
    "loaded": loaded,
    "typed": hasattr(kubernetes.aio.client, "CoreV1Api"),
}))
"""

# The hook runs in the very middle: while a module that the transport needs is being executed.
_MEANWHILE = """
import json, sys, threading
from aurora_tui.kube.official import client_module
seen = {}
def elsewhere():
    import kubernetes.aio.client
    seen["typed"] = hasattr(kubernetes.aio.client, "CoreV1Api")
    seen["whole"] = hasattr(kubernetes, "client") and hasattr(kubernetes, "watch")
def meanwhile(event, arguments):
    if event == "exec" and "thread" not in seen and arguments[0].co_filename.endswith("aio/client/exceptions.py"):
        seen["thread"] = True
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join(20)
sys.addaudithook(meanwhile)
rest = client_module("rest")
import kubernetes.client
seen["usable"] = hasattr(rest, "RESTClientObject")
seen["later"] = hasattr(kubernetes.client, "CoreV1Api")
print(json.dumps(seen))
"""

_CHANGED = """
import json, sys
sys.path.insert(0, sys.argv[1])
from aurora_tui.kube.official import client_module
rest = client_module("rest")
print(json.dumps({"name": rest.__name__, "mark": rest.MARK, "loaded": "kubernetes.aio.client" in sys.modules}))
"""


def told(program: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def package(folder: Path, files: dict[str, str]) -> str:
    """A `kubernetes` package of these files, and empty `__init__`s where none is given."""
    for name, text in files.items():
        path = folder / "kubernetes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for parent in list(path.relative_to(folder).parents)[:-1]:
            (folder / parent / "__init__.py").touch()
    return str(folder)


def test_only_the_transport_is_loaded_and_the_package_stays_importable() -> None:
    assert told(_ALONE) == {"usable": [True, True], "loaded": [], "typed": True}


def test_a_thread_that_imports_the_package_at_that_moment_gets_the_real_one() -> None:
    assert told(_MEANWHILE) == {"thread": True, "typed": True, "whole": True, "usable": True, "later": True}


def test_a_transport_that_became_a_package_is_imported_the_ordinary_way(tmp_path: Path) -> None:
    changed = package(tmp_path, {"aio/client/rest/__init__.py": "MARK = 'package'"})
    assert told(_CHANGED, changed) == {"name": "kubernetes.aio.client.rest", "mark": "package", "loaded": True}


def test_a_transport_that_now_wants_more_of_its_packages_gets_it(tmp_path: Path) -> None:
    files = {
        "aio/client/__init__.py": "MARK = 'from the package'",
        "aio/client/rest.py": "from kubernetes.aio.client import MARK",
    }
    assert told(_CHANGED, package(tmp_path, files))["mark"] == "from the package"
    (tmp_path / "kubernetes/aio/client/rest.py").write_text("from . import MARK")
    assert told(_CHANGED, str(tmp_path))["mark"] == "from the package"
    (tmp_path / "kubernetes/aio/client/rest.py").write_text("import kubernetes.aio.client as c\nMARK = c.MARK")
    assert told(_CHANGED, str(tmp_path))["mark"] == "from the package"


def test_a_transport_that_only_works_within_its_package_is_imported_the_ordinary_way(tmp_path: Path) -> None:
    text = "import sys\nMARK = sys.modules[__name__].__name__"
    changed = package(tmp_path, {"aio/client/rest.py": text})
    assert told(_CHANGED, changed)["mark"] == "kubernetes.aio.client.rest"


def test_a_module_moved_elsewhere_in_the_package_is_found_there(tmp_path: Path) -> None:
    files = {"aio/rest.py": "MARK = 'moved'", "aio/client/rest.py": "from ..rest import MARK"}
    assert told(_CHANGED, package(tmp_path, files))["mark"] == "moved"
