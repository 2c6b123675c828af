"""Print what comes from files, posts and the server, so that it cannot command the terminal."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Final

import asyncclick as click

# Some scripts and emoji are joined by these; they move nothing.
_JOINERS: Final = "\u200c\u200d"

_Handler = signal.Handlers | Callable[..., object]


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines that are ours; what is quoted in them may be anybody's."""
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    # What the terminal has no letters for would be a traceback.
    click.echo(printable(text).encode(encoding, "backslashreplace").decode(encoding), err=err)


def confirm(question: str) -> None:
    """Ask, and raise `click.Abort` unless the answer is yes. Ctrl-C is a no."""
    # The event loop's own handler would wait for the answer.
    with ctrl_c(signal.default_int_handler), _woken():
        click.confirm(question, abort=True)


def ctrl_c(handler: _Handler) -> contextlib.AbstractContextManager[None]:
    """Have Ctrl-C call a handler inside of the block."""
    return _handled(signal.SIGINT, handler)


@contextlib.contextmanager
def _woken() -> Iterator[None]:
    """Wake whatever waits for the terminal ten times a second.

    Python's handler of a signal that came just before a wait began would run after the wait.
    """
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    with _handled(signal.SIGALRM, lambda *_: None):
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _handled(number: signal.Signals, handler: _Handler) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def printable(text: str) -> str:
    """Return a text with control characters and the like as `\\x1b`; its lines stay."""
    return "\n".join(map(one_line, text.split("\n")))


def one_line(text: object, width: int | None = None) -> str:
    """Return a name or a text as one printable line, blanks for line endings, cut to a width."""
    line = "".join(map(_printable_letter, str(text)))
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def _printable_letter(letter: str) -> str:
    if letter.isprintable() or letter in _JOINERS:
        return letter
    if letter.isspace():
        return " "
    if "\udc80" <= letter <= "\udcff":  # a byte of a file name in another encoding
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
