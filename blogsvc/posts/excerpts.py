"""The beginning of a post as plain text, for lists: Markdown without its marks.

This is no Markdown parser: it knows what real posts begin with, and leaves alone what it does not
know. Every step goes through the text once, so that no text is slow.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

SLICE: Final = 1000
"""Characters of a content that are read for an excerpt."""

LENGTH: Final = 200
"""Characters that an excerpt has at most, without the "…" at its end."""

_ENOUGH: Final = 2 * LENGTH
"""Characters after which no marks are looked for: what begins in an excerpt has its end before."""

# What is left out with all that stands in it. What begins and does not end goes to the end of the
# text, which may have been cut.
_BLOCKS: Final = re.compile(
    r"""
    \A(?P<front>---(?=\s+\w[\w .-]*:)|\+\+\+(?=\s+[\w."-]+[ \t]*=)).*?(?:\n(?P=front)[ \t]*$|\Z)
    | <!--.*?(?:-->|\Z)
    | <(?P<element>script|style)\b.*?(?:</(?P=element)>|\Z)
    | \{%-?\s*(?P<liquid>highlight|codeblock|comment)\b.*?(?:\{%-?\s*end(?P=liquid)\s*-?%\}|\Z)
    | \{\{[<%]\s*highlight\b.*?(?:\{\{[<%]\s*/\s*highlight\s*[%>]\}\}|\Z)
    | ^[ \t>]*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,}).*?(?:\n[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)
    | ^import[ ](?:[\w\s{},*$]{1,300}\sfrom\s*)?(?P<quote>['"])[^'"\n]+(?P=quote);?[ \t]*$
    | ^export[ ](?:const|let|default|function|async)\b[^\n]*$
    """,
    re.DOTALL | re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_BLOCK_SIGNS: Final = ("<", "```", "~~~", "{{", "{%", "import ", "export ")

# Of a line: what stands before its words, or all of it where it says nothing to a reader.
_LINE: Final = re.compile(
    r"""
    [\s>]*+(?:
        (?:[-*_=|:+][ \t]*+)++$                     # rules, underlines, borders of tables
        | :::.*                                     # the beginning or the end of an admonition
        | \*?\[[^\]]+\]:.*                          # targets of links, footnotes, abbreviations
        | \[(?:toc|\[_toc_\])\]\s*$
        | \[![a-z]+\][+-]?                          # [!NOTE]
        | (?P<heading>\#{1,6}(?=\s|$))
        | [-*+]\s+(?:\[[ x]\](?=\s))?               # bullets
        | [|](?=.*[|])                              # the row of a table
    )?""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADING_END: Final = re.compile(r"(?<=\s)#+\s*$")

_SPECIAL: Final = re.compile(r"[\\`<{\[\]!*_~=]")
_INLINE: Final = re.compile(
    r"""
    \\(?P<escaped>[!-/:-@\[-`{-~\n])
    | (?P<ticks>`++)(?P<code>(?:[^\n]|\n(?!\s*\n))+?)(?<!`)(?P=ticks)(?!`)
    | <(?P<address>(?:https?://|mailto:)[^\s<>]*+|[^\s<>@/"'=]++@[^\s<>]++)>
    | (?P<tag>
        </?[a-z][\w:.-]*+(?:\s++[^\s<>"'=/{]++(?:\s*+=\s*+
            (?:"[^"]*+"|'[^']*+'|\{[^{}]*+\}|[^\s"'<>`]++))?+)*+\s*+/?>
      )
    | (?P<nothing>
        \{\{.*?(?:\}\}|\Z) | \{%.*?(?:%\}|\Z)                             # shortcodes
        | \{(?:[:\#.][^{}\n]*+|/\*[^{}]*+)\}                             # attributes
        | \[/?(?:caption|gallery|embed|audio|video|playlist|sourcecode)\b[^\[\]]*+\]
        | !\[\[[^\[\]]*+\]\] | \[\^[^\[\]\s]++\]                            # files, footnotes
      )
    | \[\[(?:[^\[\]|]*+\|)?(?P<page>[^\[\]|]++)\]\]
    | (?P<open>!?\[)
    | (?P<target>\](?:\((?:[^()\n]|\([^()\n]*+\))*+(?:\)|\Z)|\[[^\[\]\n]*+\]))
    | (?P<close>\])
    | (?P<mark>\*+|_+|~~|==)
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


_IN_WORDS: Final = re.compile(
    r"</?(?:a|abbr|b|cite|code|del|em|font|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|u)[\s/>]",
    re.IGNORECASE,
)
"""Tags that may stand in the middle of a word; at any other one, a word ends."""


def excerpt_of(content: str) -> str:
    """Return the beginning of a content, of which the first `SLICE` characters are given.

    It is one line, at most `LENGTH` characters, cut between two words where there are any. It is
    shorter, and may be empty, where the slice has little but marks.
    """
    text = content.replace("\r\n", "\n")
    whole = len(content) < SLICE
    if text.startswith(("---", "+++")) or any(sign in text for sign in _BLOCK_SIGNS):
        text = _BLOCKS.sub("", text)
        if not whole and text.rfind("<") > text.rfind(">"):
            text = text[: text.rfind("<")]  # the beginning of a tag
    words = " ".join(_words(_lines(text)).split())
    if whole and len(words) <= LENGTH:
        return words
    return _cut(words) + "…" if words else ""


def _cut(words: str) -> str:
    """Return at most `LENGTH` characters; the last word may be a part of one, and is left out."""
    end = words.rfind(" ", 0, LENGTH + 1)
    longest = min(len(words), LENGTH)
    if end < longest // 2:
        end = longest
        # What changes the look of a character stays with it, or goes with it.
        while LENGTH // 2 < end < len(words) and _are_one(words[end - 1], words[end]):
            end -= 1
    return words[:end].rstrip(" ,;:-–—(")


def _are_one(before: str, after: str) -> bool:
    return (
        "\u200d" in (before, after)
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or unicodedata.category(after).startswith("M")
    )


def _lines(text: str) -> str:
    """Take out of the lines what is no words of theirs."""
    lines = []
    for line in text.split("\n"):
        start = _LINE.match(line)
        assert start is not None, "the pattern matches nothing, too"
        words = line[start.end() :]
        lines.append(_HEADING_END.sub("", words) if start["heading"] else words)
    return "\n".join(lines)


def _words(text: str) -> str:
    """Take the marks out of lines; those that mean nothing where they stand are characters."""
    parts: list[str] = []
    brackets: list[int] = []
    emphases: dict[str, list[int]] = {}
    at = length = 0
    special = _SPECIAL.search(text)
    while special and length <= _ENOUGH:
        place = special.start()
        found = _INLINE.match(text, place)
        if found is None:
            special = _SPECIAL.search(text, place + 1)
            continue
        parts.append(html.unescape(text[at:place]))
        length += place - at
        at = found.end()
        kind = found.lastgroup
        if kind in ("escaped", "code", "address", "page"):
            parts.append(found[kind])
        elif kind == "tag":
            parts.append("" if _IN_WORDS.match(found[0]) else " ")
        elif kind == "open":
            brackets.append(len(parts))
            parts.append(found[0])
        elif kind in ("target", "close"):
            opened = brackets.pop() if brackets else None
            if opened is not None and kind == "target":
                parts[opened] = ""
            else:
                parts.append(found[0])
        elif kind == "mark":
            _match(parts, emphases, found[0], text[place - 1 : place], text[at : at + 1])
        special = _SPECIAL.search(text, at)
    parts.append(html.unescape(text[at:]))
    return "".join(parts)


def _match(
    parts: list[str], emphases: dict[str, list[int]], run: str, before: str, after: str
) -> None:
    """Take a run of marks out, and those that began what it ends; or remember what it begins.

    Marks that have a blank on either side, stand in a_name, or are alone are characters.
    """
    begins, ends = bool(after.strip()), bool(before.strip())
    if run[0] == "_":
        begins, ends = begins and not before.isalnum(), ends and not after.isalnum()
    begun = emphases.setdefault(run[0], [])
    left = len(run)
    while ends and left and begun:
        place = begun.pop()
        taken = min(left, len(parts[place]))
        parts[place] = parts[place][taken:]
        left -= taken
        if parts[place]:
            begun.append(place)
    if begins and left:
        begun.append(len(parts))
    parts.append(run[:left])
