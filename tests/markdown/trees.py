"""Small blogs in the shapes of seven generators, and the posts that are in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True)
class Expected:
    """The post of a file; what is not said is as it is in a file that does not say it.

    Without `published_at` a published post has the time at which it was created.
    """

    title: str
    slug: str
    created_at: datetime | None = None
    status: str = "published"
    published_at: datetime | None = None
    updated_at: datetime | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    former_slugs: tuple[str, ...] = ()
    held_back: str | None = None
    content: str = "text"

    def with_the_time_of_publishing(self) -> Expected:
        if self.published_at or self.status != "published":
            return self
        return replace(self, published_at=self.created_at)


@dataclass(frozen=True)
class Tree:
    """A blog: its files by their paths, and its posts by the paths of their files."""

    files: Mapping[str, str]
    posts: Mapping[str, Expected]

    def write(self, folder: Path) -> None:
        """Write the blog into a folder."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


JEKYLL: Final = Tree(
    {
        "_config.yml": "title: A blog\nlang: en\ntimezone: Asia/Shanghai\nexclude: [vendor]\n",
        "_posts/2014-3-7-one-digit.md": (
            "---\nlayout: post\ntitle: One: digit\ndate: 2014-3-7 9:05:00 +0800\n"
            "categories: blog ruby\ntags: ruby rails\n---\n\ntext\n"
        ),
        "_posts/2014-08-14-hello-world.markdown": "---\nlayout: post\n---\ntext\n",
        "_posts/2015-01-31-unpublished.md": "---\ntitle: Not yet\npublished: false\n---\ntext\n",
        "_posts/2015-02-01-moved.md": (
            "---\ntitle: '2015'\nauthor: Ann\nredirect_from:\n  - /old/address/\n  - /older.html\n"
            "last_modified_at: 2016-01-02 03:04\nhidden: false\n---\ntext\n"
        ),
        "_drafts/idea.md": "---\ntitle: An idea\n---\ntext\n",
        "about.md": "---\ntitle: About\npermalink: /about-us/\nlang: en\n---\ntext\n",
    },
    {
        "_posts/2014-3-7-one-digit.md": Expected(
            "One: digit",
            "one-digit",
            utc(2014, 3, 7, 1, 5),
            tags=("ruby", "rails"),
            metadata={"layout": "post", "categories": "blog ruby"},
        ),
        "_posts/2014-08-14-hello-world.markdown": Expected(
            "Hello World", "hello-world", utc(2014, 8, 14), metadata={"layout": "post"}
        ),
        "_posts/2015-01-31-unpublished.md": Expected(
            "Not yet",
            "unpublished",
            utc(2015, 1, 31),
            status="draft",
            held_back="published: false",
        ),
        "_posts/2015-02-01-moved.md": Expected(
            "2015",
            "moved",
            utc(2015, 2, 1),
            updated_at=utc(2016, 1, 2, 3, 4),
            metadata={
                "author": "Ann",
                "redirect_from": ["/old/address/", "/older.html"],
                "hidden": False,
            },
            former_slugs=("address", "older"),
        ),
        "_drafts/idea.md": Expected("An idea", "idea", status="draft", held_back="_drafts"),
        "about.md": Expected(
            "About",
            "about-us",
            metadata={"permalink": "/about-us/", "lang": "en", "language": "en"},
        ),
    },
)

HUGO_YAML: Final = Tree(
    {
        "hugo.yaml": (
            "baseURL: https://example.org\ndefaultContentLanguage: en\ntimeZone: Europe/Paris\n"
            "languages:\n  en: {weight: 1}\n  fr: {weight: 2}\n"
        ),
        "content/_index.md": "---\ntitle: Home\n---\n",
        "content/post/bundle/index.md": (
            "---\ntitle: A bundle\ndate: 2020-01-02\nweight: 7\n"
            "resources:\n- src: a.png\n  params: {year: 2020}\n---\n\ntext\n"
        ),
        "content/post/bundle/index.fr.md": "---\ntitle: Un lot\ndate: 2020-07-02\n---\ntext\n",
        "content/about.md": "---\ntitle: About\nDraft: FALSE\n---\ntext\n",
        "content/about.fr.md": "---\ntitle: À propos\nDraft: TRUE\n---\ntext\n",
        "content/post/later.md": (
            "---\ntitle: Later\ndate: 2020-01-02\npublishDate: 2999-01-01\n---\ntext\n"
        ),
        "content/post/over.md": (
            "---\ntitle: Over\ndate: 2020-01-02\nexpiryDate: 2021-01-01T00:00:00Z\n---\ntext\n"
        ),
        "content/post/elsewhere.md": (
            "---\ntitle: 007\ndate: 2020-01-02T03:04:05+01:00\nurl: /2020/some-where.html\n"
            "aliases: [/first/, /2020/some-where/]\nlastmod: 2021-02-03\n"
            "tags: [c++, 2020, c++, '']\nkeywords: a, b\nbuild: {render: always}\n---\ntext\n"
        ),
    },
    {
        "content/post/bundle/index.md": Expected(
            "A bundle",
            "bundle",
            utc(2020, 1, 1, 23),
            metadata={"weight": 7, "resources": [{"src": "a.png", "params": {"year": 2020}}]},
        ),
        "content/post/bundle/index.fr.md": Expected(
            "Un lot", "bundle-fr", utc(2020, 7, 1, 22), metadata={"language": "fr"}
        ),
        "content/about.md": Expected("About", "about"),
        "content/about.fr.md": Expected(
            "À propos",
            "about-fr",
            status="draft",
            metadata={"language": "fr"},
            held_back="Draft: true",
        ),
        "content/post/later.md": Expected(
            "Later",
            "later",
            utc(2020, 1, 1, 23),
            published_at=utc(2998, 12, 31, 23),
            held_back="publishDate lies ahead",
        ),
        "content/post/over.md": Expected(
            "Over",
            "over",
            utc(2020, 1, 1, 23),
            status="archived",
            published_at=utc(2020, 1, 1, 23),
            metadata={"expiryDate": "2021-01-01T00:00:00+00:00"},
            held_back="expiryDate is past",
        ),
        "content/post/elsewhere.md": Expected(
            "007",
            "some-where",
            utc(2020, 1, 2, 2, 4, 5),
            updated_at=utc(2021, 2, 2, 23),
            tags=("c++", "2020"),
            metadata={
                "url": "/2020/some-where.html",
                "aliases": ["/first/", "/2020/some-where/"],
                "keywords": "a, b",
                "build": {"render": "always"},
            },
            former_slugs=("first",),
        ),
    },
)

HUGO_TOML: Final = Tree(
    {
        "hugo.toml": (
            "baseURL = 'https://example.org'\ndefaultContentLanguage = 'de'\n"
            "[languages.de]\ncontentDir = 'content/de'\n[languages.fr]\ncontentDir = 'content/fr'\n"
        ),
        "content/de/posts/hallo.md": (
            "+++\ntitle = 'Hallo'\ndate = 2020-01-02T03:04:05+01:00\ntags = ['eins', 'zwei']\n"
            "at = 09:05:00\nday = 2020-01-02\nratio = 1.50\n"
            "[params]\nauthor = 'Ann'\ncode = '2020-01-02'\n+++\n\ntext\n"
        ),
        "content/fr/posts/hallo.md": (
            "+++\ntitle = 'Bonjour'\ndate = 2020-01-02\ndraft = true\n+++\n\ntext\n"
        ),
        "content/fr/posts/salut.md": (
            "+++\ntitle = 'Salut'\ndate = 2020-01-03\nslug = 'coucou'\n+++\n\ntext\n"
        ),
        "content/de/posts/lot/index.md": (
            "+++\ntitle = 'Bündel'\ndate = 2020-01-04\nheadless = true\n+++\n\ntext\n"
        ),
    },
    {
        "content/de/posts/hallo.md": Expected(
            "Hallo",
            "hallo",
            utc(2020, 1, 2, 2, 4, 5),
            tags=("eins", "zwei"),
            metadata={
                "at": "09:05:00",
                "day": "2020-01-02",
                "ratio": 1.5,
                "params": {"author": "Ann", "code": "2020-01-02"},
                "language": "de",
                "blogsvc": {"types": {"/params/code": "text"}},
            },
        ),
        "content/fr/posts/hallo.md": Expected(
            "Bonjour",
            "hallo-fr",
            utc(2020, 1, 2),
            status="draft",
            metadata={"language": "fr"},
            held_back="draft: true",
        ),
        "content/fr/posts/salut.md": Expected(
            "Salut",
            "coucou-fr",
            utc(2020, 1, 3),
            metadata={"slug": "coucou", "language": "fr"},
        ),
        "content/de/posts/lot/index.md": Expected(
            "Bündel",
            "lot",
            utc(2020, 1, 4),
            status="draft",
            metadata={"headless": True, "language": "de"},
            held_back="headless: true",
        ),
    },
)

HEXO: Final = Tree(
    {
        "_config.yml": "title: 博客\nlanguage: zh-CN\ntimezone: Asia/Shanghai\n",
        "source/_posts/hello.md": (
            "title: 你好\ndate: 2014-03-07 09:05:00\nupdated: 2014-03-08 10:00:00\n"
            "categories:\n- [Diary, PlayStation]\n- Life\ntags:\n- one\n- two words\n---\n\ntext\n"
        ),
        "source/_posts/tabs.md": (
            "---\ntitle: Tabs\ndate: 2014/03/09 09:05\ntags: \n\t- a\n\t- b\ncover:\t/a.png\n"
            "---\ntext\n"
        ),
        "source/_posts/one-tag.md": (
            "---\ntitle: One tag\ndate: 2014-03-10\ntags: two words\npermalink: posts/one\n"
            "alias: old/one.html\n---\ntext\n"
        ),
        "source/_drafts/draft.md": "---\ntitle: A draft\n---\ntext\n",
        "source/about/index.md": "---\ntitle: About\nlayout: page\ncomments: no\n---\ntext\n",
    },
    {
        "source/_posts/hello.md": Expected(
            "你好",
            "hello",
            utc(2014, 3, 7, 1, 5),
            updated_at=utc(2014, 3, 8, 2),
            tags=("one", "two words"),
            metadata={"categories": [["Diary", "PlayStation"], "Life"]},
        ),
        "source/_posts/tabs.md": Expected(
            "Tabs", "tabs", utc(2014, 3, 9, 1, 5), tags=("a", "b"), metadata={"cover": "/a.png"}
        ),
        "source/_posts/one-tag.md": Expected(
            "One tag",
            "one",
            utc(2014, 3, 9, 16),
            tags=("two words",),
            metadata={"permalink": "posts/one", "alias": "old/one.html"},
        ),
        "source/_drafts/draft.md": Expected(
            "A draft", "draft", status="draft", held_back="_drafts"
        ),
        "source/about/index.md": Expected(
            "About", "about", metadata={"layout": "page", "comments": False}
        ),
    },
)

PELICAN: Final = Tree(
    {
        "pelicanconf.py": (
            "AUTHOR = 'Ann'\nDEFAULT_LANG = 'en'\nTIMEZONE = 'America/New_York'\nimport os\n"
        ),
        "content/hello.md": (
            "Title: Hello: world\nDate: 2010-12-03 10:20\nModified: 2010-12-05 19:30\n"
            "Category: Python\nTags: pelican, two words, pelican\nSlug: hello\n"
            "Authors: Ann; Bob\nSummary: Short\n    and sweet\n\ntext\n"
        ),
        "content/hello-fr.md": (
            "Title: Bonjour\nDate: 2010-12-03 10:20\nSlug: hello\nLang: fr\n\ntext\n"
        ),
        "content/draft.md": "Title: A draft\nDate: 2010-12-04\nStatus: draft\n\ntext\n",
        "content/pages/hidden.md": "Title: Hidden\nStatus: hidden\n\ntext\n",
    },
    {
        "content/hello.md": Expected(
            "Hello: world",
            "hello",
            utc(2010, 12, 3, 15, 20),
            updated_at=utc(2010, 12, 6, 0, 30),
            tags=("pelican", "two words"),
            metadata={
                "Category": "Python",
                "Authors": "Ann; Bob",
                "Summary": "Short and sweet",
            },
        ),
        "content/hello-fr.md": Expected(
            "Bonjour",
            "hello-fr",
            utc(2010, 12, 3, 15, 20),
            metadata={"Slug": "hello", "Lang": "fr", "language": "fr"},
        ),
        "content/draft.md": Expected(
            "A draft",
            "draft",
            utc(2010, 12, 4, 5),
            status="draft",
            held_back="Status: draft",
        ),
        "content/pages/hidden.md": Expected(
            "Hidden",
            "hidden",
            status="draft",
            metadata={"Status": "hidden"},
            held_back="Status: hidden",
        ),
    },
)

ZOLA: Final = Tree(
    {
        "config.toml": (
            'base_url = "https://example.org"\ndefault_language = "en"\n[languages.fr]\n'
        ),
        "content/blog/_index.md": '+++\ntitle = "Blog"\nsort_by = "date"\n+++\n',
        "content/blog/first.md": (
            '+++\ntitle = "First"\ndate = 2021-02-03\nupdated = 2021-02-04T05:06:07Z\n'
            'aliases = ["blog/older"]\n\n[taxonomies]\ntags = ["rust", "web"]\n'
            'categories = ["news"]\n\n[extra]\nteam = "docs"\nreleased = 2021-02-03\n+++\ntext\n'
        ),
        "content/blog/first.fr.md": (
            '+++\ntitle = "Premier"\ndate = 2021-02-03\n[taxonomies]\ntags = ["rust"]\n+++\ntext\n'
        ),
        "content/blog/2021-02-05-second.md": (
            '+++\ntitle = "Second"\ndraft = true\nauthors = ["Ann", "Bob"]\n+++\n\ntext\n'
        ),
        "content/blog/third/index.md": (
            '+++\ntitle = "Third"\npath = "2021/02/06/the-third"\nrender = false\n+++\ntext\n'
        ),
    },
    {
        "content/blog/first.md": Expected(
            "First",
            "first",
            utc(2021, 2, 3),
            updated_at=utc(2021, 2, 4, 5, 6, 7),
            tags=("rust", "web"),
            metadata={
                "aliases": ["blog/older"],
                "taxonomies": {"categories": ["news"]},
                "extra": {"team": "docs", "released": "2021-02-03"},
            },
            former_slugs=("older",),
        ),
        "content/blog/first.fr.md": Expected(
            "Premier",
            "first-fr",
            utc(2021, 2, 3),
            tags=("rust",),
            metadata={"language": "fr"},
        ),
        "content/blog/2021-02-05-second.md": Expected(
            "Second",
            "second",
            utc(2021, 2, 5),
            status="draft",
            metadata={"authors": ["Ann", "Bob"]},
            held_back="draft: true",
        ),
        "content/blog/third/index.md": Expected(
            "Third",
            "the-third",
            utc(2021, 2, 6),
            status="draft",
            metadata={"path": "2021/02/06/the-third", "render": False},
            held_back="render: false",
        ),
    },
)

ASTRO: Final = Tree(
    {
        "astro.config.mjs": (
            "import { defineConfig } from 'astro/config';\nexport default defineConfig({\n"
            "  i18n: { defaultLocale: 'en', locales: ['en', 'pt-br'] },\n});\n"
        ),
        "src/content/blog/en/first.mdx": (
            "---\ntitle: First\npubDate: 'Jul 08 2022'\nupdatedDate: Aug 09 2022\n"
            "description: >\n  Words that\n  go on\nheroImage: ../../a.png\ntags: [a]\n---\n"
            "import Chart from '../Chart.astro';\n\n<Chart year={2022} />\n\ntext\n"
        ),
        "src/content/blog/pt-br/first.mdx": (
            "---\ntitle: Primeiro\npubDate: 2022-07-08\nisDraft: true\n---\ntext\n"
        ),
        "src/content/blog/en/no-title.mdx": (
            "---\npubDate: 2022-07-09\n---\nimport X from './X.astro';\n\n# The *first* heading\n"
        ),
        "src/content/blog/en/plain.md": "# Plain\n\ntext\n",
    },
    {
        "src/content/blog/en/first.mdx": Expected(
            "First",
            "first",
            utc(2022, 7, 8),
            updated_at=utc(2022, 8, 9),
            tags=("a",),
            metadata={
                "description": "Words that go on\n",
                "heroImage": "../../a.png",
                "language": "en",
            },
            content="import Chart from '../Chart.astro';\n\n<Chart year={2022} />\n\ntext",
        ),
        "src/content/blog/pt-br/first.mdx": Expected(
            "Primeiro",
            "first-pt-br",
            utc(2022, 7, 8),
            status="draft",
            published_at=utc(2022, 7, 8),
            metadata={"language": "pt-br"},
            held_back="isDraft: true",
        ),
        "src/content/blog/en/no-title.mdx": Expected(
            "The first heading",
            "no-title",
            utc(2022, 7, 9),
            metadata={"language": "en"},
            content="import X from './X.astro';\n\n# The *first* heading",
        ),
        "src/content/blog/en/plain.md": Expected(
            "Plain", "plain", metadata={"language": "en"}, content="# Plain\n\ntext"
        ),
    },
)

ELEVENTY: Final = Tree(
    {
        "eleventy.config.js": "module.exports = () => ({ dir: { input: 'src' } });\n",
        "src/posts/first.md": (
            "---\ntitle: First\ndate: 2023-01-02T03:04:05.678Z\n"
            "tags: post\npermalink: '/{{ page.date }}/{{ title | slug }}/'\n---\ntext\n"
        ),
        "src/posts/2023-01-03-second.md": (
            "---\ntitle: Second\ntags: [post, news]\neleventyNavigation: {key: Second, order: 2}\n"
            "---\n\ntext\n"
        ),
        "src/posts/third.md": "---\ntitle: Third\ndate: 2023-01-04\npermalink: false\n---\ntext\n",
        "src/posts/readme-like/README.md": "---\ntitle: In a folder\ndate: 2023-01-05\n---\ntext\n",
    },
    {
        "src/posts/first.md": Expected(
            "First",
            "first",
            utc(2023, 1, 2, 3, 4, 5, 678_000),
            tags=("post",),
            metadata={"permalink": "/{{ page.date }}/{{ title | slug }}/"},
        ),
        "src/posts/2023-01-03-second.md": Expected(
            "Second",
            "second",
            utc(2023, 1, 3),
            tags=("post", "news"),
            metadata={"eleventyNavigation": {"key": "Second", "order": 2}},
        ),
        "src/posts/third.md": Expected(
            "Third",
            "third",
            utc(2023, 1, 4),
            status="draft",
            metadata={"permalink": False},
            held_back="permalink: false",
        ),
        "src/posts/readme-like/README.md": Expected("In a folder", "readme-like", utc(2023, 1, 5)),
    },
)

TREES: Final[Mapping[str, Tree]] = {
    "Jekyll": JEKYLL,
    "Hugo in YAML": HUGO_YAML,
    "Hugo in TOML": HUGO_TOML,
    "Hexo": HEXO,
    "Pelican": PELICAN,
    "Zola": ZOLA,
    "Astro": ASTRO,
    "Eleventy": ELEVENTY,
}
