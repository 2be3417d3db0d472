from datetime import date

import pytest

from resource_hub.kernel.canonical import canonical_bytes, digest
from resource_hub.kernel.dated import DatedSeries, InForce, NothingInForce
from resource_hub.kernel.decision import refuse
from resource_hub.kernel.errors import Reason, Refused, refuse_if


def test_canonical_bytes_have_one_spelling():
    assert canonical_bytes({"b": [1, None, True], "a": "中文"}) == '{"a":"中文","b":[1,null,true]}'.encode()
    with pytest.raises(TypeError, match="value.x"):
        canonical_bytes({"x": 1.5})


def test_digest_tells_lists_of_parts_apart():
    assert digest(b"ab", b"c") != digest(b"a", b"bc") != digest(b"abc")


def test_dated_series_day_before_and_day_of():
    series = DatedSeries(
        [
            InForce(date(2025, 1, 1), "old", date(2026, 1, 1)),
            InForce(date(2026, 1, 1), "new"),
        ]
    )
    assert series.on(date(2025, 12, 31)).value == "old"
    assert series.on(date(2026, 1, 1)).value == "new"
    with pytest.raises(NothingInForce):
        series.on(date(2024, 12, 31))
    with pytest.raises(ValueError, match="reaches into"):
        DatedSeries([InForce(date(2025, 1, 1), 1, date(2025, 3, 1)), InForce(date(2025, 2, 1), 2)])


def test_refusals_carry_all_reasons():
    reasons = [Reason("a.b", {"n": 1}), Reason("c.d", place="field")]
    with pytest.raises(Refused) as caught:
        refuse_if(reasons)
    assert [r.code for r in caught.value.reasons] == ["a.b", "c.d"]
    assert Reason.from_json(reasons[1].as_json()) == reasons[1]
    with pytest.raises(ValueError):
        refuse(0, [])
