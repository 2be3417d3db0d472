"""Texts and their Chinese: ``python -m tools.messages extract | compile | check [area …]``.

Source texts are English, in ``_()``/``gettext``, ``ngettext``, ``pgettext`` and the marks ``N_``, ``NP_``, ``NN_`` of
``support/text.py``. Each area keeps its Chinese in a part of its own, ``resource_hub/translations/zh/<area>.po``
(msgid and msgstr, a ``msgctxt`` where a word has two meanings). The parts are merged into the one catalogue that the
application reads; it is not committed.

- ``extract``: prints every text with the places where it stands; with areas, only those without Chinese.
- ``compile``: writes ``zh/LC_MESSAGES/messages.mo``.
- ``check``: fails naming each text without Chinese, each Chinese without its text, each text with two Chinese forms,
  each place-holder that one side has and the other has not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

ROOT = Path(__file__).resolve().parent.parent
PARTS = ROOT / "resource_hub" / "translations" / "zh"
CATALOGUE = PARTS / "LC_MESSAGES" / "messages.mo"

KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "N_": None,
    "ngettext": (1, 2),
    "NN_": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "NP_": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_PLACE = re.compile(r"%\((\w+)\)[sd]")
# Texts of the pattern page are its own data, not the product's.
_SKIPPED = ("templates/patterns/",)

Key = tuple[str | None, str]


@dataclass
class Source:
    """A text as it stands in the code."""

    text: str
    many: str | None = None
    places: list[str] = field(default_factory=list)


@dataclass
class Chinese:
    """A translation as it stands in a part."""

    text: str
    part: str
    line: int


def sources(root: Path = ROOT) -> dict[Key, Source]:
    """Every text of the product with the places where it stands."""
    found: dict[Key, Source] = {}
    for path, name in _files(root):
        for line, message, context in _extracted(path):
            many = None
            if isinstance(message, tuple):
                message, many = message[0], message[1]
            if not isinstance(message, str) or not message:
                continue
            entry = found.setdefault((context, message), Source(message, many))
            entry.many = entry.many or many
            entry.places.append(f"{name}:{line}")
    return found


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    for folder, ending in (("resource_hub", "*.py"), ("templates", "*.html"), ("templates", "*.txt")):
        for path in sorted((root / folder).rglob(ending)):
            name = path.relative_to(root).as_posix()
            if not name.startswith(_SKIPPED):
                yield path, name


def _extracted(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], str | None]]:
    method = extract_python if path.suffix == ".py" else babel_extract
    options = {"encoding": "utf-8", "silent": "false"}
    if path.suffix != ".py":
        # As the application's environment: the same blocks are trimmed, so the same texts come out.
        options |= {"trim_blocks": "true", "lstrip_blocks": "true"}
    for line, message, _comments, context in extract_from_file(method, path, KEYWORDS, (), options):  # type: ignore[arg-type]
        yield line, message, context


def parts(folder: Path = PARTS) -> Iterator[tuple[str, Key, Chinese, str | None]]:
    """Every entry of every part: (name of the part, key, Chinese, English plural)."""
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale="zh", charset="utf-8", abort_invalid=True)
        for message in catalogue:
            if not message.id:
                continue
            one, many = message.id if isinstance(message.id, tuple) else (message.id, None)
            text = message.string[0] if isinstance(message.string, tuple | list) else message.string
            yield (
                path.stem,
                (message.context, str(one)),
                Chinese(text or "", path.stem, message.lineno or 0),
                many,
            )


def _repeated(folder: Path) -> Iterator[str]:
    """Texts that stand twice in one part; the parser would silently take one of them."""
    for path in sorted(folder.glob("*.po")):
        with path.open(encoding="utf-8") as file:
            raw = file.read()
        seen: dict[tuple[str, str], int] = {}
        pattern = r'(?:^msgctxt ((?:"(?:[^"\\]|\\.)*"\s*)+))?^msgid ((?:"(?:[^"\\]|\\.)*"\s*)+)'
        for match in re.finditer(pattern, raw, re.M):
            key = (_joined(match[1] or ""), _joined(match[2]))
            line = raw.count("\n", 0, match.start(2)) + 1
            if key[1] and key in seen:
                yield f"{path.name}:{line}: stands also in line {seen[key]}: {key[1]!r}"
            seen.setdefault(key, line)


def _joined(quoted: str) -> str:
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', quoted))


def problems(areas: tuple[str, ...] = (), folder: Path = PARTS, root: Path = ROOT) -> list[str]:
    """What is wrong with the Chinese; with areas, only what concerns files or parts whose path names one of them."""
    wanted = sources(root)
    found: dict[Key, Chinese] = {}
    result: list[str] = list(_repeated(folder))
    for part, key, chinese, _many in parts(folder):
        where = f"{part}.po:{chinese.line}"
        other = found.get(key)
        if other is not None and other.text != chinese.text:
            result.append(
                f"{where}: {key[1]!r} is {chinese.text!r} here and {other.text!r} in {other.part}.po"
            )
        found.setdefault(key, chinese)
        if key not in wanted:
            result.append(f"{where}: no such text in the product: {key[1]!r}")
            continue
        if not chinese.text:
            result.append(f"{where}: no Chinese for {key[1]!r}")
            continue
        ours, theirs = set(_PLACE.findall(key[1])), set(_PLACE.findall(chinese.text))
        if wanted[key].many:
            ours |= set(_PLACE.findall(wanted[key].many or ""))
            theirs |= {"num"} & ours  # a Chinese sentence may leave the number out of one of both forms
        if ours != theirs:
            result.append(f"{where}: place-holders differ in {key[1]!r}: {sorted(ours)} and {sorted(theirs)}")
    for key, source in wanted.items():
        if key not in found:
            context = f" ({key[0]})" if key[0] else ""
            result.append(f"{source.places[0]}: no Chinese for {source.text!r}{context}")
    if areas:
        result = [line for line in result if any(area in line.split(": ", 1)[0] for area in areas)]
    return sorted(result)


def compiled(folder: Path = PARTS, target: Path = CATALOGUE, root: Path = ROOT) -> int:
    """Write the catalogue; returns how many texts it holds. The first of two Chinese forms wins; ``check`` tells."""
    catalogue = Catalog(locale="zh", charset="utf-8", fuzzy=False)
    count = 0
    seen: set[Key] = set()
    for _part, key, chinese, many in parts(folder):
        if key in seen or not chinese.text:
            continue
        seen.add(key)
        count += 1
        if many:
            catalogue.add((key[1], many), (chinese.text,), context=key[0])
        else:
            catalogue.add(key[1], chinese.text, context=key[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_suffix(".mo.new")
    with staged.open("wb") as file:
        write_mo(file, catalogue)
    staged.replace(target)
    return count


def main(arguments: list[str]) -> int:
    command, areas = (arguments[0] if arguments else "check"), tuple(arguments[1:])
    if command == "compile":
        print(f"zh: {compiled()} texts")
        return 0
    if command == "extract":
        known = {key for _p, key, c, _m in parts() if c.text}
        for key, source in sources().items():
            if areas and (key in known or not any(a in p for a in areas for p in source.places)):
                continue
            context = f'msgctxt "{key[0]}"\n' if key[0] else ""
            plural = f'msgid_plural "{_escaped(source.many)}"\nmsgstr[0] ""' if source.many else 'msgstr ""'
            print(f'#: {" ".join(source.places)}\n{context}msgid "{_escaped(key[1])}"\n{plural}\n')
        return 0
    if command == "check":
        found = problems(areas)
        print("\n".join(found) if found else "Every text has its Chinese.")
        return 1 if found else 0
    print(__doc__)
    return 2


def _escaped(text: str | None) -> str:
    return (text or "").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
