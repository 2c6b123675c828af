"""Excerpts: what is left of the beginnings of posts when the marks of Markdown are taken away."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blogsvc.posts.excerpts import LENGTH, SLICE, excerpt_of


@pytest.mark.parametrize(
    ("content", "excerpt"),
    [
        ("", ""),
        (" \n\t\n ", ""),
        ("One line.", "One line."),
        (
            "Two\nlines,\r\n\r\nand  blanks\u00a0of\u3000any kind.",
            "Two lines, and blanks of any kind.",
        ),
        ("# Hello #\n\n## World\nText", "Hello World Text"),
        ("Hello\n=====\n\nWorld\n-----\nText\n\n---\n\n* * *\nEnd", "Hello World Text End"),
        ("#tag, C# and C++", "#tag, C# and C++"),
        ("*a* **b** ***c*** _d_ __e__ ~~f~~ ==g== **a *b* c**", "a b c d e f g a b c"),
        (
            "snake_case_name, 2 * 3 * 4, 5*3, a == b, ~5",
            "snake_case_name, 2 * 3 * 4, 5*3, a == b, ~5",
        ),
        ("a_b_ c", "a_b_ c"),
        ("_a b_c", "_a b_c"),
        ("Hello\r\n=====\r\n```\r\ncode\r\n```\r\nText", "Hello Text"),
        ("**not closed and _neither this", "**not closed and _neither this"),
        (r"\*not\* \[a\](b) \# 5 \\ and a\ b", r"*not* [a](b) # 5 \ and a\ b"),
        ("`co*d*e` and ``a ` b`` and ` alone", "co*d*e and a ` b and ` alone"),
        ("[a *link*](https://x.y/(z) 'title'), [a][1], [b][], [c]", "a link, a, b, [c]"),
        ("[broken](https://x.y/ or not", "broken"),
        ("![a walrus](w.jpg) [![badge](b.svg)](https://ci) ![](x.png)", "a walrus badge"),
        (
            "[1]: https://x.y 'Title'\nText[^1] goes on\n\n[^1]: A note\n*[HTML]: Hyper",
            "Text goes on",
        ),
        ("[[Page|words]], [[Other page]] ![[picture.png]]", "words, Other page"),
        ("<https://a.b/c?d> and <me@example.com>", "https://a.b/c?d and me@example.com"),
        ("a < b and c > d, x <y, 1<2>3", "a < b and c > d, x <y, 1<2>3"),
        ('<p class="a>b">Hi <b>there</b><br/>you</P><div>an<i>y</i></div>', "Hi there you any"),
        ("<!-- a\n\ncomment -->Intro<!--more-->\n\nRest", "Intro Rest"),
        ("Before <!-- without an end\n\nmore", "Before"),
        ("<style>\np { color: red }\n</style>\n<script src='x'>if (a < b) {}</script>Text", "Text"),
        ("&lt;b&gt; &amp; &copy; &nbsp;x & y", "<b> & © x & y"),
        ("```python\nprint(1)\n```\nText\n\n~~~~\n```\n~~~\n~~~~\nEnd", "Text End"),
        ("Text\n\n> ```\n> code\n> ```\n> quoted", "Text quoted"),
        ("Text\n```\ncode without an end", "Text"),
        ("A line with ``` in it\nand another one ```", "A line with in it and another one"),
        ("> Quoted\n>> twice\n\n> [!NOTE]\n> Noted", "Quoted twice Noted"),
        ("- one\n* two\n+ three\n- [x] done\n1. first", "one two three done 1. first"),
        ("| a | b |\n| --- | :-: |\n| 1 | 2 |", "a | b | 1 | 2 |"),
        ("| ![a](a.png) | ![](b.png) |\n|---|---|\n\nText", "a | | Text"),
        ("---\ntitle: Hello\ntags: [a]\n---\nText", "Text"),
        ('+++\ntitle = "Hello"\n+++\nText', "Text"),
        ("---\n\nA rule is not front matter\n\n---\nText", "A rule is not front matter Text"),
        (
            "import X from './x'\nimport {\n  A,\n  B as C\n} from \"y\";\nimport 'z.css'\n\n"
            "export const meta = { a: 1 }\n\n<Chart data={[1]} on={() => 1}>Text</Chart>{/* no */}",
            "Text",
        ),
        ("import duties are 'high'\nexport is not", "import duties are 'high' export is not"),
        (
            'A {{< figure src="a" >}}{{% note %}}B{{% /note %}} {% include c.html %}{{ d }}C{#id}'
            '{: .class} [gallery ids="1,2"] [caption id="x"]D[/caption]',
            "A B C D",
        ),
        ("{% highlight ruby %}\nputs 1\n{% endhighlight %}Text", "Text"),
        ("{{< highlight go >}}\nx := 1\n{{< /highlight >}}Text", "Text"),
        ("{% raw %}Text{% endraw %}", "Text"),
        (":::note Beware\nText\n:::\n[[_TOC_]]\n[TOC]", "Text"),
        ("Price: $5 {x} @you 100% ^up", "Price: $5 {x} @you 100% ^up"),
    ],
)
def test_marks_are_taken_away_and_words_stay(content: str, excerpt: str) -> None:
    assert excerpt_of(content) == excerpt


def test_a_text_that_fits_is_left_whole() -> None:
    text = ("word " * 40).strip() + "x"
    assert len(text) == LENGTH
    assert excerpt_of(text) == text


def test_a_longer_one_is_cut_at_a_word() -> None:
    assert excerpt_of("word " * 60) == ("word " * 40).strip() + "…"
    assert excerpt_of("words, " * 60) == ("words, " * 28).strip(" ,") + "…"
    assert excerpt_of("[words](https://example.com/a/long/address), " * 60)[:SLICE].startswith(
        "words, words, words"
    )


@pytest.mark.parametrize("character", ["字", "あ", "x"])
def test_one_without_blanks_is_cut_at_its_length(character: str) -> None:
    assert excerpt_of(character * 300) == character * LENGTH + "…"
    assert excerpt_of(f"Ab {character * 300}") == f"Ab {character * (LENGTH - 3)}…"


@pytest.mark.parametrize("letter", ["e\u0301", "👍🏽", "👩\u200d💻", "☀\ufe0f"])
@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_no_letter_is_cut_in_two(letter: str, before: str) -> None:
    excerpt = excerpt_of(before + letter * 300).removesuffix("…")
    assert excerpt == before + letter * ((len(excerpt) - len(before)) // len(letter))
    assert LENGTH - 3 <= len(excerpt) <= LENGTH


def test_a_slice_of_markup_gives_a_shorter_excerpt_that_says_that_there_is_more() -> None:
    marks = "<!-- " + "x" * (SLICE - 100) + " -->"
    content = (marks + "The first words and then some more " * 10)[:SLICE]
    excerpt = excerpt_of(content)
    assert excerpt.startswith("The first words")
    assert excerpt.endswith("…")
    assert excerpt_of("<!-- " + "x" * SLICE) == ""
    assert (
        excerpt_of(("Words. " * 9 + "<img alt='" + "x" * SLICE)[:SLICE])
        == "Words. " * 7 + "Words.…"
    )


MARKS = "*_~`[]()<>!#|\\-+={}%:&;^ \n\r\t\"'/aAx1字\u0301\u200d"


@given(st.text(MARKS, max_size=SLICE) | st.text(max_size=SLICE))
@example("[" * SLICE)
@example("<!--" * 250)
@example("\\" * SLICE)
def test_any_text_gives_one_short_line(content: str) -> None:
    excerpt = excerpt_of(content[:SLICE])
    assert len(excerpt) <= LENGTH + 1
    assert excerpt == " ".join(excerpt.split())
    assert "\0" not in excerpt or "\0" in content


HOSTILE = ["[", "![", "](", "[a](", "<a ", '<a b="', "`", "` `` ", "*", "**a ", "*a**b***", "<!--"]
HOSTILE += ["{{", "{%", "{%highlight", "~~~\n", "import a\n", "> ", "|", "[^", "[[", "[[a|", "\\"]
HOSTILE += ["<a b={", "<a@", "---\n", "[]: ", "<script", "&#", "- ", "[caption "]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_work_grows_with_the_text_and_not_faster(hostile: str) -> None:
    # Of the slice of 1,000 characters nothing can be slow, so this is more. Sixteen times as much
    # takes sixteen times as long, or 256 times if each character is looked at again for each.
    assert seconds(hostile, 64_000) < 90 * seconds(hostile, 4_000)


def seconds(hostile: str, length: int) -> float:
    """Return the shortest time of this thread for one excerpt."""
    text = (hostile * length)[:length]
    taken = []
    for _ in range(3):
        started = time.thread_time()
        excerpt_of(text)
        taken.append(time.thread_time() - started)
    return max(min(taken), 1e-4)


def test_every_kind_of_blank_is_one() -> None:
    blanks = "".join(chr(n) for n in range(0x3001) if unicodedata.category(chr(n)) == "Zs")
    assert excerpt_of(f"a{blanks}b") == "a b"
