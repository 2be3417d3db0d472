"""The rulebook: every file of the product loads; a missing number is an error with its place; faults are told."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from resource_hub.kernel.money import Money
from resource_hub.rulebook import BrokenScheme, MissingParameter, NotInForce, UnknownScheme, load, rulebook
from resource_hub.rulebook.loader import read_scheme

TEXT = """
[scheme]
kind = "voucher"
version_date_basis = "invoice"
name = { zh = "券", en = "Voucher" }

[[version]]
name = "a"
valid_from = 2020-01-01
valid_to = 2020-12-31
source = { document = "Doc 1", mark = "P" }
[version.parameters]
rate = { value = "0.25", unit = "ratio", article = "5" }
cap = { value = "100000", unit = "CNY", mark = "MEM" }
third = { value = "1/3", unit = "ratio" }
part = { value = "40", unit = "percent" }
lost = { unreadable = true, unit = "CNY", mark = "G" }

[[version]]
name = "b"
valid_from = 2021-01-01
source = { document = "Doc 2" }
[version.parameters]
rate = { value = "0.30", unit = "ratio" }
"""


def demo():
    return read_scheme(TEXT, "xx", "demo")


def test_the_products_own_rulebook_loads():
    assert {"cn-js/voucher", "cn-ah/host_reward"} <= {scheme.code for scheme in load()}
    assert len(rulebook()) > 10


def test_versions_by_day_both_sides_of_the_boundary():
    assert demo().on(date(2020, 12, 31)).version.name == "a"
    assert demo().on(date(2021, 1, 1)).version.name == "b"
    with pytest.raises(NotInForce):
        demo().on(date(2019, 12, 31))
    with pytest.raises(UnknownScheme):
        rulebook().scheme("xx/none")


def test_values_are_exact_and_reading_is_remembered_once():
    p = demo().on(date(2020, 5, 1))
    assert p.ratio("rate") == Fraction(1, 4)
    assert p.ratio("third") == Fraction(1, 3)
    assert p.ratio("part") == Fraction(2, 5)
    assert p.money("cap") == Money.cny("100000")
    p.ratio("rate")
    assert [c.parameter for c in p.used] == ["rate", "third", "part", "cap"]
    assert (p.used[0].document, p.used[0].article, p.used[0].mark) == ("Doc 1", "5", "P")
    assert p.used[3].verified is False


def test_a_missing_parameter_names_place_scheme_and_version():
    p = demo().on(date(2020, 5, 1))
    with pytest.raises(MissingParameter) as missing:
        p.money("nothing")
    assert missing.value.values == {
        "parameter": "nothing",
        "scheme": "xx/demo",
        "version": "a",
        "place": "rulebook/data/xx/demo.toml",
        "unreadable": False,
    }


def test_what_cannot_be_read_may_be_entered_and_is_marked():
    p = demo().on(date(2020, 5, 1))
    assert [u.name for u in p.unreadable()] == ["lost"]
    with pytest.raises(MissingParameter):
        p.money("lost")
    entered = p.with_entered({"lost": "7"})
    assert entered.money("lost") == Money.cny("7")
    assert entered.used[0].mark == "OWN"
    assert not entered.unreadable()


def test_the_digest_of_a_version_changes_with_any_value():
    changed = read_scheme(TEXT.replace('"0.25"', '"0.26"'), "xx", "demo")
    assert demo().all_versions()[0].digest != changed.all_versions()[0].digest
    assert demo().all_versions()[1].digest == changed.all_versions()[1].digest


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('value = "0.25"', "value = 0.25", "write the value as text"),
        ("valid_to = 2020-12-31", "valid_to = 2021-06-30", "reaches into"),
        ('mark = "MEM"', 'mark = "X"', "mark 'X'"),
        (
            'unreadable = true, unit = "CNY", mark = "G"',
            'unreadable = true, unit = "CNY"',
            "carries the mark G",
        ),
        ('version_date_basis = "invoice"', 'version_date_basis = "mood"', "version_date_basis"),
        ('name = "b"', 'name = "a"', "same name"),
        ('article = "5"', 'artikel = "5"', "unknown key artikel"),
        ('source = { document = "Doc 2" }', "", "no source document"),
    ],
)
def test_faults_of_a_file_are_told(old, new, told):
    assert old in TEXT
    with pytest.raises(BrokenScheme, match=told):
        read_scheme(TEXT.replace(old, new), "xx", "demo")
