"""PDF by typst, with the Chinese font of the package beside it. Data goes in as JSON, never into the source text.

The same data and moment give the same bytes: no system fonts, and the document's date is the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

SANS = "Noto Sans SC"
SERIF = "Noto Serif SC"

_TABLE = """
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title, date: none)
#set page(paper: "a4", margin: (x: 18mm, top: 20mm, bottom: 18mm),
  footer: context align(center, text(8pt, fill: luma(90), data.page.replace("{page}",
    str(counter(page).get().first())).replace("{pages}", str(counter(page).final().first())))))
#set text(font: ("Noto Sans SC",), size: 9.5pt, lang: data.lang)
#set par(leading: 0.75em)
#text(17pt, font: "Noto Serif SC", data.title)
#v(2mm)
#grid(columns: (1fr, 1fr), column-gutter: 8mm, row-gutter: 3mm,
  ..data.facts.map(f => [#text(fill: luma(90), f.at(0)) #h(1mm) #f.at(1)]))
#v(4mm)
#table(columns: data.columns.map(c => if c.right { auto } else { 1fr }), stroke: none, inset: (x: 1.5mm, y: 1.8mm),
  align: (x, y) => if data.columns.at(x).right { right + top } else { left + top },
  table.header(table.hline(stroke: 0.8pt), ..data.columns.map(c => text(fill: luma(60), c.title)),
    table.hline(stroke: 0.4pt)),
  ..data.rows.map(r => r.map(cell => if type(cell) == array {
      stack(spacing: 1.4mm, text(cell.at(0)), ..cell.slice(1).map(t => text(8pt, fill: luma(90), t)))
    } else { text(cell) })).flatten(),
  table.hline(stroke: 0.4pt), ..data.foot.map(c => text(c)), table.hline(stroke: 0.8pt))
#for note in data.notes [#v(2mm) #text(9pt, fill: luma(60), note)]
"""


@lru_cache(maxsize=1)
def _fonts() -> Any:
    import pylopdf_fonts_zh_cn
    import typst

    folder = Path(pylopdf_fonts_zh_cn.__file__).parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])


def table_document(data: Mapping[str, Any], moment: datetime) -> bytes:
    """A titled table on A4.

    ``data``: title, lang, facts (pairs), columns ({title, right}), rows (cells; a list is a text with notes under it),
    foot (cells), notes (texts), page ("{page} / {pages}").
    """
    import typst

    result = typst.compile(
        _TABLE.encode(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        timestamp=moment,
        format="pdf",
    )
    if not isinstance(result, bytes):
        raise TypeError("one PDF was expected")
    return result
