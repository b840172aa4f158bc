"""Only the transport of the official package is loaded, and the package itself stays importable."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = """
import json, sys
from aurora_tui.kube.transport import _client_module
rest, configuration = _client_module("rest"), _client_module("configuration")
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in ("kubernetes", "pydantic"))
import kubernetes.aio.client
print(json.dumps({
    "usable": [hasattr(rest, "RESTClientObject"), hasattr(configuration, "Configuration")],
    "loaded": loaded,
    "typed": hasattr(kubernetes.aio.client, "CoreV1Api"),
}))
"""


def told() -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_only_the_transport_is_loaded_and_the_package_stays_importable() -> None:
    assert told() == {"usable": [True, True], "loaded": [], "typed": True}
