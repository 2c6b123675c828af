"""A time is read as people write it, and what may be one of two is refused."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogsvc.markdown.dates import read_time

NEW_YORK = ZoneInfo("America/New_York")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize("nothing", [None, "", " ", "\t\n\xa0", " " * 30_000])
def test_nothing_is_no_time(nothing: object) -> None:
    assert read_time(nothing) is None


@pytest.mark.parametrize(
    "text",
    [
        "2014-08-14",
        "2014-8-14",
        "2014/08/14",
        "2014.8.14",
        "20140814",
        "Aug 14, 2014",
        "aug. 14th 2014",
        "AUGUST 14,2014",
        "Thu, 14 Aug 2014",
        "Thursday, August 14, 2014",
        "Fri 14 August, 2014",  # the day of the week may be wrong
        "14th of August 2014",
        "14. August 2014",
        "14-Aug-2014",
        "2014-Aug-14",
        "2014 August 14",
        "14/08/2014",
        "14.8.2014",
        "08-14-2014",
        "  2014-08-14\t",
        "\xa02014-08-14",
        "Aug\xa014,  2014",
        date(2014, 8, 14),
        20140814,
    ],
)
def test_a_date_is_its_midnight_in_the_time_zone_that_is_asked_for(text: object) -> None:
    assert read_time(text) == utc(2014, 8, 14)
    assert read_time(text, SHANGHAI) == utc(2014, 8, 13, 16)


@pytest.mark.parametrize(
    "text",
    [
        "2014-3-7 9:05:00",
        "2014-03-07T09:05",
        "2014-03-07t09:05:00.0",
        "2014/3/7 9:5",
        "2014-03-07, 09:05",
        "2014-03-07 09:05 AM",
        "March 7 2014 9:05am",
        "Mar 7, 2014 at 9:05 a.m.",
        "Fri, 7 Mar 2014 09:05:00",
        "Fri Mar  7 09:05:00 2014",
        "20140307T0905",
        "20140307 090500",
        "201403070905",
        20140307090500,
        datetime(2014, 3, 7, 9, 5),  # noqa: DTZ001 # as YAML and TOML give it
    ],
)
def test_a_time_without_a_time_zone_is_in_the_one_that_is_asked_for(text: object) -> None:
    assert read_time(text) == utc(2014, 3, 7, 9, 5)
    assert read_time(text, SHANGHAI) == utc(2014, 3, 7, 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2014-3-7 9:05:00 +0800",
        "2014-03-07 09:05 +8",
        "2014-03-07T09:05:00+08:00",
        "2014-03-07T09:05:00 +08:00",
        "2014-03-07 09:05:00 GMT+8",
        "2014-03-07 09:05:00 UTC +0800",
        "2014-03-07 09:05:00 +0800 CST",
        "Fri Mar 07 2014 09:05:00 GMT+0800 (China Standard Time)",
        "Fri Mar  7 09:05:00 +0800 2014",
        "Fri, 07 Mar 2014 09:05:00 +0800",
        "2014-03-07T01:05:00Z",
        "2014-03-07 01:05:00 z",
        "2014-03-07 01:05:00 UTC",
        "2014-03-07 01:05:00 UT",
        "Fri, 07 Mar 2014 01:05:00 GMT",
        "2014-03-06 20:05 EST",
        "March 6, 2014 9:05 PM EDT",
        "2014-03-06 17:05:00 pst",
        "2014-03-06 15:35:00 -0930",
        "20140307T010500Z",
        "20140307090500+0800",
        datetime(2014, 3, 7, 9, 5, tzinfo=timezone(timedelta(hours=8))),
        1394154300,
        "1394154300",
        1394154300000,
    ],
)
def test_the_time_zone_of_a_time_counts(text: object) -> None:
    assert read_time(text, NEW_YORK) == utc(2014, 3, 7, 1, 5)


@pytest.mark.parametrize("text", ["2014-03-07 +0800", "2014-3-7 GMT+8", "7 March 2014 +08:00"])
def test_a_date_alone_may_have_a_time_zone(text: str) -> None:
    assert read_time(text, NEW_YORK) == utc(2014, 3, 6, 16)


@pytest.mark.parametrize(
    ("text", "time_of_day"),
    [
        ("12:30 AM", (0, 30)),
        ("12:30 PM", (12, 30)),
        ("10:30 p.m.", (22, 30)),
        ("1 pm", (13, 0)),
        ("10:30:15,5", (10, 30, 15, 500_000)),
        ("10:30:15.123456789123456789", (10, 30, 15, 123_456)),
    ],
)
def test_a_time_of_day_is_read(text: str, time_of_day: tuple[int, ...]) -> None:
    assert read_time(f"2014-03-07 {text}") == utc(2014, 3, 7, *time_of_day)


def test_the_24th_hour_ends_the_day() -> None:
    assert read_time("2014-12-31 24:00") == read_time("2014-12-31T24:00:00Z") == utc(2015, 1, 1)


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("03/04/2014", "2014-03-04 or 2014-04-03"),
        ("3.4.2014 10:00", "2014-03-04 or 2014-04-03"),
        ("12-11-2014", "2014-11-12 or 2014-12-11"),
    ],
)
def test_a_date_that_may_be_one_of_two_is_refused(text: str, readings: str) -> None:
    with pytest.raises(ValueError, match=f"^may be {readings}: write it as one of them$"):
        read_time(text)


def test_the_year_may_come_last_where_the_day_is_certain() -> None:
    assert read_time("14/08/2014 9:05 pm") == utc(2014, 8, 14, 21, 5)
    assert read_time("03/03/2014") == utc(2014, 3, 3)


@pytest.mark.parametrize("name", ["Sep", "Sept.", "september"])
def test_months_have_short_names(name: str) -> None:
    assert read_time(f"{name} 14, 2014") == utc(2014, 9, 14)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2014-02-30", r"is not a date \(day .*\): write it as 2026-01-31 or"),
        ("2014-13-01", r"is not a date \(month "),
        ("13/13/2014", "is not a date: write it as"),
        ("0000-01-01", r"is not a date \(year "),
        ("2014-01-01 25:00", r"is not a date \(hour "),
        ("2014-01-01 24:01", r"is not a date \(hour "),
        ("2014-01-01 23:59:60", r"is not a date \(second "),
        ("2014-01-01 13:00 pm", "there is no 13 pm"),
        ("2014-01-01 0:30 am", "there is no 0 am"),
        ("14 Mai 2014", "mai is not the English name of a month"),
        ("2014-01-01 10:00 CEST", "the time zone CEST may be several, or none"),
        ("2014-01-01 10:00 +24:00", r"there is no time zone \+24:00"),
        ("2014-01-01 10:00 +1:60", r"there is no time zone \+1:60"),
        ("0001-01-01 00:00 +01:00", "lies outside of the years 1 to 9999"),
        ("9999-12-31 23:59 -01:00", "lies outside of the years 1 to 9999"),
        ("9999-12-31 24:00", "lies outside of the years 1 to 9999"),
        ("2014-01-01-08:00", "is not a date: write it as"),
        ("2014-01/01", "is not a date: write it as"),
        ("2014-08", "is not a date: write it as"),
        ("14-08-14", "is not a date: write it as"),
        ("14 Aug 14", "is not a date: write it as"),
        ("2030010112", "is not a date: write it as"),
        ("2014-01-01 10:00 soon", "the time zone soon may be"),
        ("٢٠١٤-٠١-٠١", "is not a date: write it as"),
        ("soon", "is not a date: write it as"),
        ("2014-01-01" + " " * 100 + "10:00", "is not a date: write it as"),
        (2014, "is not a date: write it as"),
        (True, "is not a date: write it as"),
        (1394154300.5, "is not a date: write it as"),
        pytest.param(10**9_000, "is not a date: write it as", id="a huge number"),
        (time(10, 0), "is not a date: write it as"),
        (["2014-01-01"], "is not a date: write it as"),
    ],
)
def test_what_is_no_date_is_refused_with_the_reason(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_time(value)


@pytest.mark.parametrize(
    ("value", "zone"),
    [
        (date(1, 1, 1), SHANGHAI),
        (date(9999, 12, 31), timezone(timedelta(hours=-12))),
        (datetime(1, 1, 1), SHANGHAI),  # noqa: DTZ001
        (datetime(9999, 12, 31, 23), NEW_YORK),  # noqa: DTZ001
    ],
)
def test_a_time_that_leaves_the_calendar_in_utc_is_refused(value: object, zone: tzinfo) -> None:
    if value == date(9999, 12, 31):
        assert read_time(value, zone) == utc(9999, 12, 31, 12)
    else:
        with pytest.raises(ValueError, match="lies outside of the years 1 to 9999"):
            read_time(value, zone)


@pytest.mark.parametrize("text", ["2026-11-01 01:30", datetime(2026, 11, 1, 1, 30)])  # noqa: DTZ001
def test_of_two_equal_times_the_first_counts(text: object) -> None:
    assert read_time(text, NEW_YORK) == utc(2026, 11, 1, 5, 30)


def test_a_time_that_clocks_leave_out_counts_as_if_they_were_not_put_forward() -> None:
    assert read_time("2026-03-08 02:30", NEW_YORK) == utc(2026, 3, 8, 7, 30)


zones: Any = st.none() | st.builds(
    timezone, st.integers(-1439, 1439).map(lambda m: timedelta(minutes=m))
)


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones))  # noqa: DTZ001
def test_every_time_of_python_is_read(moment: datetime) -> None:
    expected = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    for text in (moment.isoformat(), str(moment), moment.isoformat().replace("+00:00", "Z")):
        assert read_time(text) == expected
    assert read_time(moment) == expected


@given(
    st.text("0123456789-/.:+ TZapmuge,()\t", max_size=40) | st.text() | st.integers() | st.floats()
)
def test_no_value_does_anything_but_be_read_or_refused(value: object) -> None:
    with contextlib.suppress(ValueError):
        moment = read_time(value, NEW_YORK)
        assert moment is None or moment.tzinfo is UTC
