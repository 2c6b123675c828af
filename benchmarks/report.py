"""What was measured, as Markdown tables and as a chart."""

from __future__ import annotations

import html
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from .cold import Cold
from .compare import Plan, Result
from .failover import Failover
from .growth import Growth
from .import_files import DATABASE, Imported
from .lists import SHOWN, Cost
from .peers import ALL, BASELINE
from .plans import Plans, Seen
from .together import Together
from .updates import POSTS, Sizes, Updated

_PACKAGES: Final = (
    "blogsvc",
    "asyncpg",
    "tortoise-orm",
    "aerich",
    "SQLAlchemy",
    "piccolo",
    "Django",
    "psycopg",
    "uvloop",
)
_COLORS: Final = {
    BASELINE: "#8a8f98",
    "asyncpg, no reset": "#c2c6cc",
    "blogsvc": "#1f6feb",
    "Tortoise": "#d29922",
    "SQLAlchemy": "#b1361e",
    "Piccolo": "#7a5195",
    "Django": "#2f7d4f",
}
SHOWN_AT_ONCE: Final = 64


def where_and_when(postgres: str) -> str:
    """Return the machine, the versions and the date in a sentence or two."""
    versions = []
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release().partition('-')[0]}; "
        f"PostgreSQL {postgres}, Python {platform.python_version()}, {', '.join(versions)}.\n"
    )


def side_by_side(results: Sequence[Result], plan: Plan) -> str:
    """Return a table for each event loop and number of tasks, and one of the targets."""
    parts = []
    for loop, tasks in dict.fromkeys((result.loop, result.tasks) for result in results):
        here = [result for result in results if (result.loop, result.tasks) == (loop, tasks)]
        names = [name for name in ALL if any(name in result.taken for result in here)]
        rows = [
            [result.operation.name, *(_cell(result, name) for name in names)] for result in here
        ]
        at_a_time = "one call" if tasks == 1 else f"{tasks} calls"
        parts += [f"### {loop}, {at_a_time} at a time\n", table(["", *names], rows)]
    return "\n".join(
        [
            f"Microseconds a call, and in brackets the ratio to {BASELINE}; {plan.posts:,} posts, "
            f"`create many` stores {plan.many:,}. Medians of {plan.rounds} rounds, of "
            f"{plan.long_rounds} for the two long ones.\n",
            *parts,
            "### Targets\n",
            targets(results),
        ]
    )


def targets(results: Iterable[Result]) -> str:
    """Return how the calls with a target stand, on uvloop and one at a time."""
    rows = []
    for result in results:
        most = result.operation.at_most
        if most is None or (result.loop, result.tasks) != ("uvloop", 1):
            continue
        ratio, orm = result.ratio("blogsvc"), result.best_orm()
        against = statistics.median(
            orm_took / ours
            for orm_took, ours in zip(result.taken[orm], result.taken["blogsvc"], strict=True)
        )
        low, high = _quartiles(result.ratios("blogsvc"))
        rows.append(
            [
                result.operation.name,
                f"{most:.2f}",
                f"{ratio:.2f} ({low:.2f} to {high:.2f})",
                _met(ratio <= most),
                f"{against:.1f} x {orm}",
                _met(against >= 1.5),
            ]
        )
    head = ["", "at most", "measured (quartiles)", "", "faster than the best ORM (1.5 x)", ""]
    return table(head, rows)


def together(results: Sequence[Together], rounds: int) -> str:
    """Return a table of reads by how many there are at once: the time, and the processor's."""
    names = list(results[0].taken)
    others = names[:-1]
    rows = [
        [
            f"{result.read}, {result.callers} at once",
            *(f"{statistics.median(result.taken[name]) * 1e6:,.0f}" for name in names),
            *(f"{result.against(other, result.taken):.1f}" for other in others),
            *(f"{statistics.median(result.worked[name]) * 1e6:,.0f}" for name in names),
            *(f"{result.against(other, result.worked):.1f}" for other in others),
        ]
        for result in results
    ]
    head = ["microseconds a read", *names, *(f"{other} : ours" for other in others)]
    head += [f"processor: {column}" for column in head[1:]]
    return f"uvloop; medians of {rounds} rounds.\n\n{table(head, rows)}"


def growth(grown: Growth) -> str:
    """Return a table of the calls by size, the memory, and what the tables hold."""
    sizes = list(grown.facts)
    head = ["milliseconds", *(f"{posts:,} posts" for posts in sizes), "last : first"]
    rows = [
        [name, *(f"{took[posts] * 1e3:.2f}" for posts in sizes), _ratio(took, sizes)]
        for name, took in grown.taken.items()
    ]
    rows += [
        [f"{name}, MB more", *(f"{peak[posts]:.1f}" for posts in sizes), ""]
        for name, peak in grown.memory.items()
    ]
    facts = [f"- {posts:,} posts: {fact}." for posts, fact in grown.facts.items()]
    return table(head, rows) + "\n" + "\n".join(facts) + "\n"


def lists(costs: dict[int, dict[str, Cost]]) -> str:
    """Return a table of what pages and summaries cost, by the size of a post."""
    head = [f"a list of {SHOWN} posts", *(f"of {size / 1000:.0f} kB" for size in costs)]
    rows = []
    for name in next(iter(costs.values())):
        each = [cost[name] for cost in costs.values()]
        rows += [
            [f"`{name}`, ms", *(f"{cost.took * 1e3:.1f}" for cost in each)],
            [f"`{name}`, kB moved", *(f"{cost.moved / 1e3:,.0f}" for cost in each)],
            [f"`{name}`, kB of memory", *(f"{cost.held / 1e3:,.0f}" for cost in each)],
        ]
    return table(head, rows)


def plans(seen: Plans) -> str:
    """Return a table of the pages of each filter, by order, and of what it takes to count."""
    orders = list(dict.fromkeys(page.order for page in seen.pages))
    cells: dict[str, dict[tuple[str, bool], Seen]] = {}
    for page in seen.pages:
        cells.setdefault(page.filters, {})[page.order, page.deep] = page
    rows = []
    for name, by_order in cells.items():
        pairs = [(by_order[order, False], by_order[order, True]) for order in orders]
        rows.append(
            [
                name,
                f"{pairs[0][0].matches:,}",
                *(
                    f"{first.took * 1e3:.1f} / {deep.took * 1e3:.1f}"
                    + (" **!**" if "none" in first.bound + deep.bound else "")
                    for first, deep in pairs
                ),
                f"{max(max(one.buffers, two.buffers) for one, two in pairs):,}",
            ]
        )
    beyond = [page for page in seen.pages if page.bound == "none"]
    nodes = [
        [f"{page.filters}, {page.order}", f"{page.ratio:.1f}", f"{page.buffers:,}", page.nodes]
        for page in seen.pages
        if not page.deep and page.order in ("newest", "published")
    ]
    counted = [[what, f"{took * 1e3:.1f}"] for what, took in seen.counted.items()]
    counted += [
        [f"`neighbours`, {what}; {pages} pages read", f"{took * 1e3:.2f}"]
        for what, (took, pages) in seen.neighbours.items()
    ]
    return "\n".join(
        [
            f"Milliseconds of a page of 20 (the least of some), first and half way; {seen.posts:,} "
            f"posts. {len(beyond)} of {len(seen.pages)} are out of bounds (!). The first pages of "
            f"`summaries` took {seen.summaries:.2f} of those of `page`.\n",
            table(["filters", "matches", *orders, "most pages read"], rows),
            table(["first page", "times the plain one", "pages read", "plan"], nodes),
            table(["", "milliseconds"], counted),
        ]
    )


def cold(measured: Cold) -> str:
    """Return the tables of what starts from nothing."""
    whole = [["empty directory to first stored post", f"{measured.first_post:.2f}"]]
    stages = [[f"... {name}", f"{took:.2f}"] for name, took in measured.stages.items()]
    answers = [[name, f"{took:.2f}"] for name, took in measured.first_answer.items()]
    plain = measured.commands["aerich heads, plain configuration"]
    commands = [
        [name, f"{took:.2f}", f"{took / plain:.2f}"] for name, took in measured.commands.items()
    ]
    return "\n".join(
        [
            table(["cold start", "seconds"], whole + stages),
            table(["first answer of a cold process", "seconds"], answers),
            table(["command", "seconds", "ratio"], commands),
        ]
    )


def imported(files: int, measured: Sequence[Imported]) -> str:
    """Return the table of the ways to import so many files."""
    database = next(one.seconds for one in measured if one.way == DATABASE)
    rows = [
        [
            one.way,
            f"{one.seconds:.1f}",
            f"{files / one.seconds:,.0f}",
            f"{one.seconds / database:.1f}",
            f"{one.peak:.0f} MB",
        ]
        for one in measured
    ]
    return table([f"{files:,} files", "seconds", "a second", "ratio", "peak of memory"], rows)


def updated(found: Sequence[Updated]) -> str:
    """Say what many updates of few posts make of the table and of its callers, by setting."""
    grown = [
        [
            one.setting,
            f"{one.hot / one.updates:.0%}",
            f"{one.autovacuums}",
            *(
                " → ".join(f"{getattr(sizes, name) / 1e6:.1f}" for sizes in _sizes_of(one, name))
                for name in ("table", "search", "indexes")
            ),
        ]
        for one in found
    ]
    felt = [
        [
            one.setting,
            f"{one.updates / one.writing:,.0f}",
            *(f"{took * 1e3:.1f}" for took in one.update),
            str(one.long),
            *(
                f"{one.read[name][0] * 1e3:.1f} → {max(one.read[name][1:]) * 1e3:.1f}"
                for name in ("search", "page")
            ),
        ]
        for one in found
    ]
    what = f"{found[0].updates:,} updates of {POSTS:,} posts"
    sizes = ["HOT", "autovacuums", "table, MB", "search index, MB", "all indexes, MB"]
    times = ["a second", "median, ms", "slowest, ms", "over 250 ms", "search, ms", "page, ms"]
    return (
        table([what, *sizes], grown)
        + "\nBefore → after the updates → after VACUUM (→ after REINDEX CONCURRENTLY of the search "
        f"index, which took {max(one.reindexing for one in found):.1f} s at most).\n\n"
        + table([what, *times], felt)
        + "\nReaders: before → after the worst tenth, medians. The page is in the order of "
        "updated_at.\n"
    )


def failovers(found: Sequence[Failover]) -> str:
    """Say what became of writers when the primary was killed."""
    rows = [
        [
            "synchronous" if one.synchronous else "asynchronous",
            "network, then machine" if one.cut else "machine",
            f"{one.acknowledged:,}",
            str(one.lost),
            str(one.told_wrongly),
            f"{one.unknown}, {one.unknown_stored}",
            str(one.untyped),
            f"{one.outage:.1f}",
        ]
        for one in found
    ]
    head = [
        "replication",
        "lost is the",
        "acknowledged",
        "of these lost",
        "told not stored, but stored",
        "outcome unknown, of these stored",
        "untyped errors",
        "seconds until the next write",
    ]
    return table(head, rows)


def _sizes_of(one: Updated, name: str) -> list[Sizes]:
    found = [one.before, one.after, one.vacuumed]
    return found if name == "table" else [*found, one.reindexed]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table: text on the left, numbers on the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def bars(
    results: Iterable[Result], reads: Iterable[Together]
) -> list[tuple[str, dict[str, float]]]:
    """Return what the chart shows on uvloop: calls one at a time, and reads of many tasks."""
    one_by_one = [
        (result.operation.name, {name: result.ratio(name) for name in ALL if name in result.taken})
        for result in results
        if (result.loop, result.tasks) == ("uvloop", 1)
    ]
    at_once = [
        (f"{read.read}, {SHOWN_AT_ONCE} tasks", {name: read.ratio(name) for name in read.taken})
        for read in reads
        if read.callers == SHOWN_AT_ONCE
    ]
    return at_once + one_by_one


def chart(shown: Iterable[tuple[str, dict[str, float]]], where: str, file: Path) -> None:
    """Draw the ratios to asyncpg by hand as SVG."""
    caption = ", ".join(where.split(", ")[:5])
    scale, left, line, most = 70, 160, 11, 7.0
    body = []
    y = 50
    for number in range(int(most) + 1):
        x = left + number * scale
        body.append(f'<line x1="{x}" y1="40" x2="{x}" y2="BOTTOM" stroke="#8884"/>')
        body.append(f'<text x="{x}" y="34" text-anchor="middle">{number} x</text>')
    for call, ratios in shown:
        middle = y + len(ratios) * line / 2 + 4
        body.append(f'<text x="{left - 8}" y="{middle:.0f}" text-anchor="end">'
                    f"{html.escape(call)}</text>")  # fmt: skip
        for name, ratio in ratios.items():
            width = min(ratio, most) * scale
            body.append(f'<rect x="{left}" y="{y}" width="{width:.0f}" height="{line - 2}" '
                        f'fill="{_COLORS[name]}"/>')  # fmt: skip
            body.append(f'<text x="{left + width + 4:.0f}" y="{y + 8}" font-size="9">'
                        f"{ratio:.2f}</text>")  # fmt: skip
            y += line
        y += 9
    for place, name in enumerate(ALL):
        x = left + place % 4 * 150
        top = y + 8 + place // 4 * 18
        body.append(f'<rect x="{x}" y="{top}" width="10" height="10" fill="{_COLORS[name]}"/>')
        body.append(f'<text x="{x + 15}" y="{top + 9}">{html.escape(name)}</text>')
    body.append(f'<text x="{left}" y="{y + 62}" font-size="10">{html.escape(caption)}</text>')
    drawn = "\n".join(body).replace("BOTTOM", str(y))
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {y + 72}" width="720" '
        'font-family="sans-serif" font-size="12" fill="#555">\n'
        f'<text x="{left}" y="16" font-size="14">Time of a call, as a multiple of {BASELINE} '
        "(shorter is faster)</text>\n"
        f"{drawn}\n</svg>\n",
        encoding="utf-8",
    )


def _cell(result: Result, name: str) -> str:
    if name not in result.taken:
        return ""
    cell = f"{result.median(name) * 1e6:,.0f} ({result.ratio(name):.2f})"
    return f"**{cell}**" if name == "blogsvc" else cell


def _ratio(took: dict[int, float], sizes: Sequence[int]) -> str:
    return f"{took[sizes[-1]] / took[sizes[0]]:.2f}"


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def _met(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
