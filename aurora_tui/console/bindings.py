"""Every key of the console, with an id to remap it by and the words that help is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from textual.binding import Binding, BindingType

from aurora_tui.console.ink import Line, fit, span
from aurora_tui.console.keybar import Key
from aurora_tui.situation.runbook import Runbook

# What comes later beside the mission's runbooks. None of these keys may ever be a priority binding: they would fire
# through an open dialog.
LATER = {"S": "sign report", "a": "silence"}
_FIRST = 3  # runbooks that stay longest on a narrow bar

EVERYWHERE: list[BindingType] = [
    Binding("1", "panel('slo')", "to the SLOs", id="console.slo"),
    Binding("2", "panel('checkpoints')", "to the checkpoints", id="console.checkpoints"),
    Binding("3", "panel('workloads')", "to the workloads", id="console.workloads"),
    Binding("4", "panel('alerts')", "to the alerts", id="console.alerts"),
    Binding("tab", "focus_next", "to the next panel", id="console.next"),
    Binding("shift+tab", "focus_previous", "to the panel before", id="console.previous"),
    Binding("v", "why", "why this verdict, and every source's state", id="console.why"),
    Binding("l", "log", "the log of the pod under the cursor", id="console.log"),
    Binding("o", "runs", "the run that is under way, or the runs there were", id="console.runs"),
    Binding("r", "restart", "restart the deployment under the cursor (asks first)", id="console.restart"),
    Binding("d", "delete_pod", "delete the pod under the cursor (asks first)", id="console.delete-pod"),
    Binding("x", "every_pod", "every pod and alert, or only what is not well", id="console.every-pod"),
    Binding("T", "next_theme", "next theme", id="console.theme"),
    Binding("question_mark", "help", "this help", id="console.help"),
    Binding("ctrl+p", "command_palette", "command palette", id="console.palette"),
    Binding("q", "quit", "quit", id="console.quit"),
    Binding("ctrl+q", "quit", "quit (some editors' terminals keep this key)", id="console.quit-too"),
]


def actions(runbooks: Sequence[Runbook]) -> dict[str, str]:
    """Key → word of the mission's runbooks, then of our own list."""
    words = {runbook.key: runbook.title for runbook in runbooks}
    return words | {key: word for key, word in LATER.items() if key not in words}


def carried_out(runbooks: Sequence[Runbook]) -> dict[str, Runbook]:
    """Key → runbook of those that say what is to be done."""
    return {runbook.key: runbook for runbook in runbooks if runbook.step or runbook.stage}


def bar(words: dict[str, str], able: Collection[str] = (), run: Key | None = None) -> list[Key]:
    """The key bar. A run that goes on stands first, then runbooks, dimmed if they come later; `?` and `q` stay."""
    keys = [run] if run is not None else []
    keys += [
        Key(key, words[key], able=key in able, drop=1 if at < _FIRST else 8 + (at if key != "S" else 0))
        for at, key in enumerate(key for key in words if key != "a")
    ]
    keys += [
        Key("⏎", "details", drop=2),
        Key("l", "logs", drop=4),
        Key("a", words["a"], able=False, drop=6),
        Key("v", "why", drop=3),
        Key("/", "filter", drop=3),
        Key("?", "help"),
        Key("q", "quit"),
    ]
    return keys


def help_lines(
    groups: Iterable[tuple[str, Iterable[BindingType]]],
    words: dict[str, str],
    cells: int,
    runbooks: Sequence[Runbook] = (),
) -> list[Line]:
    """Help from the bindings themselves, so that it cannot say anything else than the keys do.

    `words` come with a later version; `runbooks` open a confirmation.
    """
    lines: list[Line] = []
    if runbooks:
        lines.append((span("RUNBOOKS: EACH SHOWS ITS PLAN FIRST, AND ASKS FOR A WORD", "accent bold"),))
        words_of = ((one.key, f"{one.title}. {one.summary}" if one.summary else one.title) for one in runbooks)
        lines += [_help_line(key, words, cells) for key, words in words_of]
    for title, bindings in groups:
        lines += [(), (span(title, "accent bold"),)] if lines else [(span(title, "accent bold"),)]
        for binding in bindings:
            if isinstance(binding, Binding):
                lines.append(_help_line(key_names(binding.key), binding.description, cells))
    lines += [(), (span("COMES WITH A LATER VERSION", "accent bold"),)]
    return lines + [_help_line(key, word, cells, "dim") for key, word in words.items()]


def _help_line(keys: str, words: str, cells: int, ink: str = "") -> Line:
    return fit((*fit((span(keys, ink or "title bold"),), 16), span(words, ink)), cells)


def key_names(keys: str) -> str:
    """`up,k` → `↑ k`."""
    names = {
        "up": "↑",
        "down": "↓",
        "pageup": "PgUp",
        "pagedown": "PgDn",
        "home": "Home",
        "end": "End",
        "enter": "⏎",
        "escape": "Esc",
        "slash": "/",
        "question_mark": "?",
        "space": "Space",
        "tab": "Tab",
        "shift+tab": "Shift+Tab",
    }
    return " ".join(names.get(key, key) for key in keys.split(","))
