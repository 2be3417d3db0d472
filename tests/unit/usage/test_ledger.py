"""Exact bytes, links and roots: what verification must notice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.usage.rules.ledger import (
    GENESIS,
    Link,
    body_digest,
    entry_bytes,
    facts_of,
    instant_text,
    link_digest,
    root_bytes,
    salted_digest,
    verify_links,
)
from resource_hub.domain.usage.terms import EntryFacts, EntryKind, Grade, Hours, SessionSource
from resource_hub.kernel.canonical import canonical_bytes

FACTS = EntryFacts(
    host_code="ustc",
    resource_id=UUID(int=1),
    unit_id=UUID(int=2),
    session_id=UUID(int=3),
    line=1,
    revision=1,
    kind=EntryKind.USE,
    corrects=None,
    source=SessionSource.BOOKING,
    source_ref=None,
    mode="self_use",
    state="ended",
    booking_id=UUID(int=4),
    customer_id=UUID(int=5),
    customer_class="firm",
    purpose="research",
    starts_at=datetime(2026, 3, 5, 6, tzinfo=UTC),
    ends_at=datetime(2026, 3, 5, 8, tzinfo=UTC),
    zone="Asia/Shanghai",
    day=date(2026, 3, 5),
    hours=Hours(measuring=7200),
    session_effective_seconds=7200,
    samples=0,
    grade=Grade.C,
    booked_starts_at=datetime(2026, 3, 5, 6, tzinfo=UTC),
    booked_ends_at=datetime(2026, 3, 5, 8, tzinfo=UTC),
)


def test_the_bytes_of_format_1_are_fixed():
    assert entry_bytes(FACTS) == (
        b'{"booked_ends_at":"2026-03-05T08:00:00Z","booked_starts_at":"2026-03-05T06:00:00Z",'
        b'"booking":"00000000-0000-0000-0000-000000000004","class":"firm","corrects":null,'
        b'"customer":"00000000-0000-0000-0000-000000000005","day":"2026-03-05","effective_seconds":7200,'
        b'"ends_at":"2026-03-05T08:00:00Z","evidence":[],"format":1,"grade":"C","host":"ustc","idle_seconds":0,'
        b'"kind":"use","line":1,"measuring_seconds":7200,"mode":"self_use","outcome":"ended",'
        b'"post_seconds":0,"purpose":"research","resource":"00000000-0000-0000-0000-000000000001","revision":1,'
        b'"samples":0,"session":"00000000-0000-0000-0000-000000000003","session_effective_seconds":7200,'
        b'"setup_seconds":0,"source":"booking","source_ref":null,"starts_at":"2026-03-05T06:00:00Z",'
        b'"unit":"00000000-0000-0000-0000-000000000002","zone":"Asia/Shanghai"}'
    )


TEXT = st.text(max_size=12)


@given(
    st.builds(
        replace,
        st.just(FACTS),
        host_code=TEXT,
        kind=st.sampled_from(EntryKind),
        source=st.sampled_from(SessionSource),
        source_ref=st.none() | TEXT,
        purpose=TEXT,
        grade=st.sampled_from(Grade),
        booking_id=st.none() | st.uuids(),
        unit_id=st.none() | st.uuids(),
        samples=st.integers(0, 10**9),
        evidence=st.lists(st.dictionaries(TEXT, TEXT | st.booleans() | st.none()), max_size=3).map(tuple),
    )
)
def test_the_bytes_are_the_canonical_spelling(facts):
    assert canonical_bytes(json.loads(entry_bytes(facts))) == entry_bytes(facts)


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1000, 1, 1), max_value=datetime(9999, 1, 1)))
def test_an_instant_has_one_spelling_in_every_zone(moment):
    text = instant_text(moment)
    assert text == f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert instant_text(moment.astimezone(UTC)) == text


def test_the_facts_read_back_from_the_bytes():
    assert facts_of(entry_bytes(FACTS)) == FACTS


def test_another_second_gives_other_bytes():
    assert entry_bytes(FACTS) != entry_bytes(replace(FACTS, hours=Hours(measuring=7201)))


def test_a_salt_hides_what_it_covers():
    assert salted_digest(b"a" * 16, {"person": "x"}) != salted_digest(b"b" * 16, {"person": "x"})


def chain(count: int) -> list[Link]:
    links, previous = [], GENESIS
    for n in range(1, count + 1):
        body = entry_bytes(replace(FACTS, line=n))
        entry = body_digest(body)
        head = link_digest(previous, entry)
        links.append(Link(n, entry, head, UUID(int=n), body, {"line": n, "effective_seconds": 7200}))
        previous = head
    return links


def broken(links):
    return [b for _, b in verify_links(links) if b]


def test_a_whole_chain_holds_and_is_counted():
    assert [n for n, _ in verify_links(chain(5))] == [1, 2, 3, 4, 5]
    assert not broken(chain(5))


@given(
    st.integers(1, 6),
    st.sampled_from(["body", "entry_digest", "digest", "gone", "columns", "moved"]),
)
def test_any_change_is_named_at_its_place(position, what):
    links = chain(7)
    index = position - 1
    old = links[index]
    match what:
        case "body":
            links[index] = replace(old, body=old.body.replace(b"7200", b"9900"))
        case "entry_digest":
            links[index] = replace(old, entry_digest=bytes(32))
        case "digest":
            links[index] = replace(old, digest=bytes(32))
        case "gone":
            del links[index]
        case "columns":
            links[index] = replace(old, columns={"line": position, "effective_seconds": 9900})
        case "moved":
            links[index] = replace(old, body=links[index + 1].body)
    found = broken(links)
    assert [b.position for b in found] == [position]


def test_a_rewritten_tail_no_longer_matches_the_signed_head():
    heads: dict[int, bytes] = {}
    list(verify_links(chain(3), heads, frozenset({3})))
    assert heads[3] == chain(3)[2].digest


@pytest.mark.parametrize("field", ["day", "last_position", "head"])
def test_a_root_speaks_of_day_place_and_head(field):
    base = {"day": date(2026, 3, 5), "last_position": 3, "head": b"\1" * 32}
    other = {**base, field: {"day": date(2026, 3, 6), "last_position": 4, "head": b"\2" * 32}[field]}
    assert root_bytes("ustc", "usage", key_id="k", **base) != root_bytes("ustc", "usage", key_id="k", **other)
