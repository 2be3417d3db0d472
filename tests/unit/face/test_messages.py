"""Every text of the product has its Chinese, and the tool that says so can be trusted."""

from __future__ import annotations

import re
from pathlib import Path

from tools import messages

ROOT = Path(__file__).resolve().parents[3]
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def make(folder: Path, source: str, **parts: str) -> tuple[Path, Path]:
    (folder / "resource_hub").mkdir()
    (folder / "templates").mkdir()
    (folder / "resource_hub" / "a.py").write_text(source)
    zh = folder / "zh"
    zh.mkdir()
    for name, text in parts.items():
        (zh / f"{name}.po").write_text(HEAD + text)
    return folder, zh


def test_what_is_missing_unknown_doubled_or_out_of_step_is_named(tmp_path):
    root, zh = make(
        tmp_path,
        '_("one"); _("two"); N_("of %(n)s"); NP_("state", "open"); ngettext("%(num)d day", "%(num)d days", 2)',
        a='msgid "one"\nmsgstr "一"\n\nmsgid "gone"\nmsgstr "没"\n\nmsgid "of %(n)s"\nmsgstr "共"\n',
        b='msgid "one"\nmsgstr "壹"\n\nmsgid "dup"\nmsgstr "a"\n\nmsgid "dup"\nmsgstr "a"\n',
    )
    told = "\n".join(messages.problems(folder=zh, root=root))
    assert "no Chinese for 'two'" in told
    assert "no such text in the product: 'gone'" in told
    assert "'one' is '壹' here and '一' in a.po" in told
    assert "place-holders differ in 'of %(n)s'" in told
    assert "stands also in line" in told
    assert "no Chinese for 'open' (state)" in told
    assert "no Chinese for '%(num)d day'" in told


def test_parts_become_one_catalogue(tmp_path):
    root, zh = make(
        tmp_path,
        '_("one"); NP_("state", "open"); ngettext("%(num)d day", "%(num)d days", 2)',
        a='msgid "one"\nmsgstr "一"\n',
        b='msgctxt "state"\nmsgid "open"\nmsgstr "开放"\n\n'
        'msgid "%(num)d day"\nmsgid_plural "%(num)d days"\nmsgstr[0] "%(num)d 天"\n',
    )
    target = tmp_path / "messages.mo"
    assert messages.problems(folder=zh, root=root) == []
    assert messages.compiled(zh, target, root) == 3
    from babel.support import Translations

    with target.open("rb") as file:
        found = Translations(file)
    assert found.gettext("one") == "一"
    assert found.pgettext("state", "open") == "开放"
    assert found.ngettext("%(num)d day", "%(num)d days", 1) == "%(num)d 天"


def test_the_product_speaks_chinese_throughout():
    assert messages.problems() == []


def test_every_scope_that_a_template_names_has_words():
    """A word of an unknown scope is found only when somebody meets the value; the scope is found here."""
    from resource_hub.entrypoints.support import words
    from resource_hub.entrypoints.support.registry import merged

    known = {key.rsplit(".", 1)[0] for key in merged(words, "WORDS")}
    named = {
        (path.name, scope)
        for path in (ROOT / "templates").rglob("*.html")
        for pattern in (r"word\('([a-z_.]+)'\)", r"badge\([^()]*?, '([a-z_]+\.[a-z_.]+)'")
        for scope in re.findall(pattern, path.read_text(encoding="utf-8"))
    }
    assert len(named) > 40
    assert sorted(n for n in named if n[1] not in known) == []
