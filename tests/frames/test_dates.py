"""Texts that are times: which forms are read, as which moment; and whose clocks show them."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame
from frames.functions import export_file, import_file
from frames.text import zones
from frames.text.dates import _FORMS, follow, lenient_milliseconds, milliseconds

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MILLISECOND = dt.timedelta(milliseconds=1)


def moment_of(*fields, zone=dt.UTC):
    return (dt.datetime(*fields, tzinfo=zone) - EPOCH) / MILLISECOND


@pytest.fixture
def denver():
    """America/Denver as the current zone."""
    zones.use("America/Denver")
    yield ZoneInfo("America/Denver")
    zones.use(zones.UTC)


MOMENTS = [
    ("2007-11-6", (2007, 11, 6)),
    ("2007-11-06 13:05", (2007, 11, 6, 13, 5)),
    ("2007-11-06 13:05:59", (2007, 11, 6, 13, 5, 59)),
    ("2007-11-06 1:5:9", (2007, 11, 6, 1, 5, 9)),
    ("2007-11-06T13:05:59Z", (2007, 11, 6, 13, 5, 59)),
    ("2007-11-06 13:05:59 GMT", (2007, 11, 6, 13, 5, 59)),
    ("2007/11/06 13:05:59.250", (2007, 11, 6, 13, 5, 59, 250000)),
    ("2007-11-06 13.05.59", (2007, 11, 6, 13, 5, 59)),
    ("2007-11-06 24:00:00", (2007, 11, 7)),
    ("20071106-13:05:59.123", (2007, 11, 6, 13, 5, 59, 123000)),
    ("2007-11-06 1:05:59 PM", (2007, 11, 6, 13, 5, 59)),
    ("2007-11-06 12:05:59 AM", (2007, 11, 6, 0, 5, 59)),
    ("2007-11-06 12:05 pm", (2007, 11, 6, 12, 5)),
    ("6-Nov-2007", (2007, 11, 6)),
    ("06-NOV-07", (2007, 11, 6)),
    ("06-NOV-07 01.05.59.123456789 PM", (2007, 11, 6, 13, 5, 59, 123000)),
    ("6-Nov-07:13:05:59", (2007, 11, 6, 13, 5, 59)),
    ("06Nov2007", (2007, 11, 6)),
    ("06Nov07", (2007, 11, 6)),
    ("6-November-2007", (2007, 11, 6)),
    ("6 November 2007", (2007, 11, 6)),
    ("1 May 2007", (2007, 5, 1)),
    ("Nov-07", (2007, 11, 1)),
    ("November 2007", (2007, 11, 1)),
    ("Sept-2007", (2007, 9, 1)),
    ("07-Nov", (2007, 11, 1)),
    ("2007-11", (2007, 11, 1)),
    ("November 6, 2007", (2007, 11, 6)),
    ("Nov. 6, 2007 1:05 PM", (2007, 11, 6, 13, 5)),
    ("11/6/2007", (2007, 11, 6)),
    ("11/6/07 13:05:59", (2007, 11, 6, 13, 5, 59)),
    ("11-06-2007", (2007, 11, 6)),
    ("25/12/2007", (2007, 12, 25)),
    ("25-12-2007", (2007, 12, 25)),
    ("13:30:00", (1970, 1, 1, 13, 30)),
    ("1:30:00.5 PM", (1970, 1, 1, 13, 30, 0, 500000)),
    ("1:30 AM", (1970, 1, 1, 1, 30)),
    ("1904-02-29", (1904, 2, 29)),
    ("0001-01-01", (1, 1, 1)),
    ("9999-12-31 23:59:59.999", (9999, 12, 31, 23, 59, 59, 999000)),
]


@pytest.mark.parametrize(("text", "moment"), MOMENTS)
def test_dates_are_read(text, moment):
    assert milliseconds([text]).tolist() == [moment_of(*moment)]
    assert follow([text]) != [frozenset()]


@pytest.mark.parametrize(
    "text",
    [
        *("2007-13-01", "2007-02-29", "1900-02-29", "31/31/2007", "6-Foo-2007", "2007-13", "20071106", "x", "200711"),
        *("12:30", "16:9", "24:00:00", "13:30:00 PM", "0:30 AM", "12:60:00", "100:30:00", "1.2.3", "10.0.0.1"),
        *("11-6-07", "Nov 7", "Nov 12", "may", "May I", "march 5", "1 2 2007", "06.11.2007", "2007-11-06 25:00"),
    ],
)
def test_what_is_no_date_is_none(text):
    assert milliseconds([text]) is None
    assert follow([text]) == [frozenset()]


def test_the_forms_that_a_text_follows_are_all_by_which_it_is_read():
    for text, _ in MOMENTS:
        forms = {form for form in range(len(_FORMS)) if milliseconds([text], form) is not None}
        assert follow([text]) == [forms], text


@pytest.mark.parametrize("form", ["%m/%d/%y", "%d-%b-%y", "%d%b%y", "%b-%y", "%y-%b", "%d %B %y"])
def test_years_of_two_digits_are_those_of_posix(form):
    days = [dt.datetime(year, 7, 15) for year in (1969, 1970, 1999, 2000, 2068)]
    texts = [day.strftime(form) for day in days]
    assert milliseconds(texts).tolist() == [
        moment_of(*dt.datetime.strptime(text, form).timetuple()[:3]) for text in texts
    ]
    assert [time.year for time in pd.to_datetime(milliseconds(texts), unit="ms")] == [day.year for day in days]


def test_zones_are_taken_off():
    texts = ["1970-01-01 02:00:00+02:00", "1969-12-31T19:00:00-0500"]
    assert milliseconds(texts).tolist() == milliseconds(texts, zone="Asia/Tokyo").tolist() == [0.0, 0.0]


def test_one_form_rules_the_column():
    assert milliseconds(["25/12/2007", "1/2/2008"]).tolist() == [1198540800000.0, 1201824000000.0]
    assert milliseconds(["2007-11-06", "11/6/2007"]) is None
    assert np.isnan(lenient_milliseconds(["2007-11-06", "soon"])).tolist() == [False, True]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)))
def test_any_moment_comes_back(moment):
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    (got,) = milliseconds([moment.isoformat(" ", "milliseconds")])
    assert got == (moment.replace(tzinfo=dt.UTC) - EPOCH) / MILLISECOND


ZONES = ("UTC", "America/Denver", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Monrovia")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(ZONES), st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=1))
def test_clocks_of_a_zone_are_those_of_zoneinfo(zone, moments):
    own = ZoneInfo(zone)
    utc = [(m.replace(tzinfo=dt.UTC, microsecond=0) - EPOCH) / MILLISECOND for m in moments]
    shown = zones.from_utc(np.array(utc), zone)
    wanted = [m.replace(tzinfo=dt.UTC, microsecond=0).astimezone(own).replace(tzinfo=dt.UTC) for m in moments]
    assert shown.tolist() == [(m - EPOCH) / MILLISECOND for m in wanted]
    # Back: Python too takes the first of two, and counts on where the clocks show nothing.
    local = [(m.replace(microsecond=0, tzinfo=own) - EPOCH) / MILLISECOND for m in moments]
    assert zones.to_utc(np.array(utc), zone).tolist() == local


def test_hours_that_clocks_show_twice_or_never():
    texts = ["2007-11-04 01:30:00", "2007-03-11 02:30:00", "2007-03-11 03:30:00"]
    first, never, after = milliseconds(texts, zone="America/Denver").tolist()
    assert first == moment_of(2007, 11, 4, 7, 30)
    assert never == after == moment_of(2007, 3, 11, 9, 30)


@pytest.mark.parametrize(("name", "error"), [("Nowhere/None", H2OValueError), ("", H2OValueError), (5, H2OTypeError)])
def test_what_is_no_zone_is_refused(name, error):
    with pytest.raises(error, match="time zone must be"):
        zones.use(name)
    assert zones.current() == zones.UTC


@pytest.mark.usefixtures("client")
def test_texts_without_a_zone_are_read_in_that_of_the_cluster(tmp_path, denver):
    path = tmp_path / "t.csv"
    path.write_text("t,u\n2007-11-06,5:00 PM\n2007-07-06 12:00,1:00 AM\n2007-07-06T12:00Z,\n")
    frame = import_file(path)
    wanted = [moment_of(2007, 11, 6, zone=denver), moment_of(2007, 7, 6, 12, zone=denver), moment_of(2007, 7, 6, 12)]
    assert frame["t"].as_data_frame()["t"].tolist() == [pd.Timestamp(moment, unit="ms") for moment in wanted]
    assert frame["u"].hour().as_data_frame()["u"].tolist()[:2] == [17, 1]
    listed = H2OFrame({"t": ["2007-11-06", "2007-07-06 12:00", "2007-07-06T12:00Z"]})
    assert listed.as_data_frame().equals(frame["t"].as_data_frame())
    dated = H2OFrame({"t": ["2007-11-06", "2007-07-06"]}, column_types={"t": "string"}).as_date("%Y-%m-%d")
    assert dated.hour().as_data_frame()["t"].tolist() == [0, 0]
    with_zone = H2OFrame({"t": ["2007-11-06 +0100"]}, column_types={"t": "string"}).as_date("%Y-%m-%d %z")
    assert with_zone.as_data_frame()["t"].tolist() == [pd.Timestamp("2007-11-05 23:00")]


@pytest.mark.usefixtures("client")
def test_parts_of_times_are_those_of_the_clocks(denver):
    stamps = pd.date_range("2007-10-30 05:11:12", periods=200, freq="97h", unit="ms")
    frame, local = H2OFrame(pd.DataFrame({"t": stamps})), stamps.tz_localize("UTC").tz_convert(denver)
    for part in ("year", "month", "day", "hour", "minute", "second"):
        got = getattr(frame, part)().as_data_frame()["t"].tolist()
        assert got == getattr(local, part).tolist(), part
    assert frame.week().as_data_frame()["t"].tolist() == local.isocalendar().week.tolist()
    assert frame.dayOfWeek().as_data_frame()["t"].tolist() == [day[:3] for day in local.day_name()]
    assert frame.as_data_frame()["t"].equals(pd.Series(stamps, name="t"))


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Denver"])
def test_exported_times_come_back(tmp_path, denver, zone):
    frame = H2OFrame({"t": ["2007-11-04 01:30:00", None, "2007-11-04 08:30Z"], "x": [1, 2, 3]})
    zones.use(zone)
    export_file(frame, tmp_path / "t.csv")
    assert import_file(tmp_path / "t.csv").as_data_frame().equals(frame.as_data_frame())
