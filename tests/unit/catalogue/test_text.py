"""Search text: pairs of Chinese, words of Latin, queries as phrases."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from resource_hub.domain.catalogue import synonyms
from resource_hub.domain.catalogue.text import (
    FIELD_BREAK,
    closest,
    fold,
    fts5_query,
    parse_query,
    runs,
    tokens,
    tsquery,
    tsvector,
)

CHINESE = st.text(alphabet="电子显微镜扫描质谱仪场发射", min_size=1, max_size=12)
LATIN = st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True)
ANYTHING = st.text(max_size=60)


def found(query: str, *fields: str) -> bool:
    """What both engines do, written the slow way: every term's tokens stand side by side in one field."""
    words = tokens(fields)
    return all(
        any(
            all(a == b for a, b in zip(words[i : i + n - 1], term.tokens[:-1], strict=False))
            and (
                words[i + n - 1].startswith(term.tokens[-1])
                if term.prefix
                else words[i + n - 1] == term.tokens[-1]
            )
            for i in range(len(words) - n + 1)
        )
        for term in parse_query(query)
        for n in [len(term.tokens)]
    )


@given(CHINESE, CHINESE, CHINESE)
def test_chinese_is_found_exactly_where_it_stands(before: str, query: str, after: str) -> None:
    assert found(query, before + query + after)
    haystack = before + after
    assert found(query, haystack) == (query in haystack)


@given(st.lists(st.one_of(CHINESE, LATIN), min_size=1, max_size=6))
def test_each_part_of_a_text_finds_it(parts: list[str]) -> None:
    for part in parts:
        assert found(part, " ".join(parts))


@given(ANYTHING, ANYTHING)
def test_no_phrase_across_fields(left: str, right: str) -> None:
    words = tokens([left, right])
    if runs(left) and runs(right):
        assert words.count(FIELD_BREAK) == 1
    assert FIELD_BREAK not in runs(left + right)


@given(ANYTHING)
def test_queries_are_only_quoted_tokens(text: str) -> None:
    terms = parse_query(text)
    assert re.fullmatch(r'("[^"]+"\*?( AND "[^"]+"\*?)*)?', fts5_query(terms))
    assert re.fullmatch(r"(\('[^']+'(:\*)?( <-> '[^']+'(:\*)?)*\)( & )?)*", tsquery(terms))
    assert "'" not in tsvector(tokens([text])).replace("'", "", 2 * len(set(tokens([text]))))


def test_examples() -> None:
    assert tokens(["场发射 SEM-450"]) == ["场发", "发射", "射", "sem", "450"]
    assert fts5_query(parse_query("电子显微镜 xrd")) == '"电子 子显 显微 微镜" AND "xrd"*'
    assert tsquery(parse_query("质谱")) == "('质谱')"
    assert fold("ＸＲＤ Café ") == "xrd cafe "
    assert tsvector(["质谱", "谱", "质谱"]) == "'质谱':1,3 '谱':2"


def test_closest() -> None:
    known = ["diffractometer", "场发射扫描电子显微镜", "centrifuge"]
    assert closest("difractometer", known) == ["diffractometer"]
    assert closest("扫描电子显微竟", known) == ["场发射扫描电子显微镜"]
    assert closest("zzz", known) == []


def test_synonyms() -> None:
    assert "扫描电镜" in synonyms.others("场发射扫描电子显微镜")
    assert "scanning electron microscope" in synonyms.others("SEM 450")
    assert synonyms.others("Semiconductor analyser") == []
    assert "NMR" in synonyms.others("核磁共振波谱仪")
