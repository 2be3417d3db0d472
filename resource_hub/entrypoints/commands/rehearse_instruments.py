"""The instrument half of the rehearsal: registers, sheets and a price list of others, as they are, into the catalogue.

Everything has a natural key of its source, so that the second run creates nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from resource_hub.adapters import time_zones
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.service import InstitutionSeed, OrganisationFields
from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.errors import SheetRefused
from resource_hub.domain.catalogue.importing import cells
from resource_hub.domain.catalogue.importing import mapping as mappings
from resource_hub.domain.catalogue.importing import sheet as sheets
from resource_hub.domain.catalogue.importing.rows import RowFacts
from resource_hub.domain.catalogue.terms import Mode, ResourceKind
from resource_hub.entrypoints.commands import rehearse_files as files
from resource_hub.infra.unit_of_work import unit_of_work
from resource_hub.kernel.keys import HostKey

Say = Callable[[str], None]
# The price list has no day of its own; its tariffs hold from the first day that this product knows.
PRICES_SINCE = date(2025, 1, 1)
MAKERS = {
    "Illumina": "Illumina", "Roche": "Roche", "ABI": "Applied Biosystems", "Ion": "Life Technologies",
    "Pacific": "Pacific Biosciences", "Polonator": "Dover Systems", "Oxford": "Oxford Nanopore",
}  # fmt: skip
_CENTRE_HEADINGS = (
    "centre_id", "name", "url", "description", "latitude", "longitude", "locality", "country", "country_code",
    "service_facility",
)  # fmt: skip
_CAPACITY_HEADINGS = ("capacity_id", "centre_id", "platform", "model", "number_machines")
_PRICE_HEADINGS = (
    "row", "test_item_name", "test_condition", "unit_price", "department", "test_code", "test_standard", "group_id",
)  # fmt: skip


@dataclass(slots=True)
class Part:
    """What became of one source."""

    title: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        rate = f", {self.rows / self.seconds:,.0f} rows/s" if self.seconds > 0 else ""
        yield f"{self.title}: {self.rows:,} rows in {self.seconds:.1f} s{rate}"
        yield (
            f"  {self.created:,} created, {self.updated:,} updated, {self.unchanged:,} unchanged,"
            f" {len(self.refused):,} refused"
        )
        yield from (f"  {note}" for note in self.notes)
        yield from (f"  refused: {text}" for text in self.refused[:10])
        if len(self.refused) > 10:
            yield f"  … and {len(self.refused) - 10} more refused"


def run(data: Path, say: Say) -> list[Part]:
    """Import every source below ``data``; each part is printed when it is done."""
    parts = []
    for work in (_sequencers, _scnu, _pnnl, _jitri):
        started = time.monotonic()
        part = work(data, say)
        part.seconds = time.monotonic() - started
        for line in part.lines():
            say(line)
        parts.append(part)
    return parts


def created(parts: Iterable[Part]) -> int:
    return sum(part.created for part in parts)


def _batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


# ---- the map of sequencing centres ---------------------------------------------------------------------------


def _sequencers(data: Path, say: Say) -> Part:
    """Centres become institutions, each capacity line a resource with as many units as it has machines."""
    part = Part("sequencing centres and their machines")
    centres = files.table(data / files.CENTRES, _CENTRE_HEADINGS)
    lines = files.table(data / files.CAPACITY, _CAPACITY_HEADINGS)
    part.rows = len(centres) + len(lines)
    ids: dict[str, UUID] = {}
    institutions = Counter[str]()
    bad_links = 0
    for batch in _batches(enumerate(centres, start=2), 400):
        seeds = []
        for line, row in batch:
            seed, link_dropped = _seed(data / files.CENTRES, line, row)
            bad_links += link_dropped
            seeds.append(seed)
        counts = accounts.import_institutions(seeds)
        ids.update(counts.ids)
        institutions.update(created=counts.created, updated=counts.updated, unchanged=counts.unchanged)
        say(f"  institutions: {len(ids):,} of {len(centres):,}")
    groups, proposed = accounts.propose_merges(ids.values())
    by_centre: dict[str, list[tuple[int, dict[str, str], int]]] = {}
    machines = refused_machines = without_count = 0
    for number, row in enumerate(lines, start=2):
        count = files.whole_number(data / files.CAPACITY, number, "number_machines", row["number_machines"])
        machines += count
        if _centre_key(row["centre_id"]) not in ids:
            part.refused.append(
                f"line {number}: {count} × {row['model']} names centre {row['centre_id']}, which is not in the list"
            )
            refused_machines += count
        elif count == 0:
            without_count += 1
        else:
            by_centre.setdefault(row["centre_id"], []).append((number, row, count))
    places = {row["centre_id"]: row for row in centres}
    options = service.ImportOptions(listed=True, complete=False)
    arrived = 0
    for batch in _batches(by_centre.items(), 100):
        groups_of = [
            (
                ids[_centre_key(centre)],
                [_machine(number, row, count, places[centre]) for number, row, count in rows],
            )
            for centre, rows in batch
        ]
        outcome = service.apply_many(groups_of, options)
        part.created += outcome.created
        part.updated += outcome.updated
        part.unchanged += outcome.unchanged
        part.refused += [f"line {p.line}: {p.reason.code} {dict(p.reason.values)}" for p in outcome.problems]
        refused_lines = outcome.refused_lines
        arrived += sum(count for _, rows in batch for number, _, count in rows if number not in refused_lines)
        say(f"  machines: {arrived:,}")
    part.notes += [
        f"institutions: {institutions['created']:,} created, {institutions['updated']:,} updated,"
        f" {institutions['unchanged']:,} unchanged; {len(ids):,} in all",
        f"machines: {machines:,} in the file, {refused_machines} refused by name, {arrived:,} arrived as units",
        f"{without_count} lines without a count: they make no machine",
        f"{groups} groups of the same name, case and blanks folded: {proposed} new proposals to merge, none merged",
    ]
    if bad_links:
        part.notes.append(f"{bad_links} web addresses cannot be one and were left out")
    part.created += institutions["created"]
    part.updated += institutions["updated"]
    part.unchanged += institutions["unchanged"]
    return part


def _centre_key(centre: str) -> str:
    return f"omicsmaps/centre/{centre}"


def _seed(path: Path, line: int, row: dict[str, str]) -> tuple[InstitutionSeed, bool]:
    name = " ".join(row["name"].split())
    chinese = any("\u4e00" <= character <= "\u9fff" for character in name)
    latitude, longitude = (files.degrees(path, line, name, row[name]) for name in ("latitude", "longitude"))
    zone = None
    if latitude is not None and longitude is not None:
        zone = time_zones.nearest(row["country_code"], latitude, longitude)
    link = row["url"].strip()
    good = (
        link.startswith(("http://", "https://")) and not any(c in link for c in ' <>"') and len(link) <= 300
    )
    fields = OrganisationFields(
        name_zh=name[:200] if chinese else "",
        name_en="" if chinese else name[:200],
        zone=zone or "UTC",
        jurisdiction=row["country_code"] or "CN",
        region_en=", ".join(part for part in (row["locality"].strip(), row["country"].strip()) if part)[:100],
        latitude=latitude,
        longitude=longitude,
        website=link if good else "",
        about_en=row["description"].strip()[:4000],
    )
    return InstitutionSeed(_centre_key(row["centre_id"]), fields), bool(link) and not good


def _machine(line: int, row: dict[str, str], count: int, centre: dict[str, str]) -> RowFacts:
    first = row["model"].split()[0]
    values: dict[str, Any] = {
        "name_en": f"{row['model']} sequencer",
        "model": row["model"],
        "maker": MAKERS.get(first, first),
        "class_code": "0110",
        **_whereabouts(" ".join(centre["locality"].split())),
        "country": centre["country_code"],
        "modes": (Mode.SEND_IN,),
        "open_to_outside": centre["service_facility"] == "true",
        "bookable": centre["service_facility"] == "true",
    }
    for name, limit in (("latitude", 90), ("longitude", 180)):
        if centre[name].strip():
            values[f"{name}_micro"] = cells.degrees(centre[name], limit)
    return RowFacts(
        line, f"SEQ-{row['capacity_id']}", ResourceKind.INSTRUMENT, None, count, None, values,
        specification=(("Platform", row["platform"]),),
    )  # fmt: skip


def _whereabouts(locality: str) -> dict[str, str]:
    """A locality as a city; whole postal addresses stand there too, and are places."""
    return {"city": locality} if len(locality) <= 40 else {"place_en": locality[:200]}


# ---- sheets of two houses ------------------------------------------------------------------------------------


def _house(key: str, **fields: Any) -> UUID:
    counts = accounts.import_institutions([InstitutionSeed(key, OrganisationFields(**fields))])
    return counts.ids[key]


def _sheet(part: Part, path: Path, institution_id: UUID, document: dict[str, Any], say: Say) -> Part:
    try:
        opened = sheets.open_sheet(path)
    except SheetRefused as refused:
        reasons = "; ".join(f"{r.code} {dict(r.values)}" for r in refused.reasons)
        raise files.BrokenInput(f"{path.name}: {reasons}; fetch it again") from refused
    options = service.ImportOptions(listed=True, complete=False, make_departments=True)
    outcome = service.import_directly(
        opened, mappings.from_json(document), institution_id, options, progress=lambda n: say(f"  {n:,} rows")
    )
    part.rows = outcome.created + outcome.updated + outcome.unchanged + outcome.refused
    part.created, part.updated, part.unchanged = outcome.created, outcome.updated, outcome.unchanged
    part.refused += [
        f"line {p.line}, {p.heading}: {p.reason.code} {dict(p.reason.values)}" for p in outcome.problems
    ]
    return part


def _scnu(data: Path, say: Say) -> Part:
    host = _house(
        "rehearsal/scnu", name_zh="华南师范大学", name_en="South China Normal University", zone="Asia/Shanghai",
        jurisdiction="CN", region_zh="广东广州", region_en="Guangzhou, Guangdong",
        latitude=23.06, longitude=113.38,
    )  # fmt: skip
    document = {
        "columns": {
            "device_id": "code", "name": "name", "model": "model", "laboratory": "department", "location": "place",
            "properties": "specification", "accessories": "accessories",
        },
        "constants": {"kind": "instrument", "city": "广州", "modes": "专人操作,送样检测"},
    }  # fmt: skip
    return _sheet(Part("instruments of a Chinese university"), data / files.SCNU, host, document, say)


def _pnnl(data: Path, say: Say) -> Part:
    host = _house(
        "rehearsal/pnnl", name_en="Pacific Northwest National Laboratory", zone="America/Los_Angeles",
        jurisdiction="US", region_en="Richland, Washington", latitude=46.35, longitude=-119.28,
    )  # fmt: skip
    document = {
        "columns": {
            "instrument_id": "code", "instrument": "name_en", "description": "summary_en", "room_number": "place_en",
            "instrument_class": "model", "class_comment": "specification.Class", "status": "specification.Status",
            "instrument_group": "specification.Group", "operations_role": "specification.Role",
            "percent_emsl_owned": "specification.Owned by the user facility, %",
            "service_center_eligible": "open_to_outside",
        },
        "constants": {"kind": "instrument", "class_code": "0102", "city": "Richland", "modes": "staff_run"},
    }  # fmt: skip
    return _sheet(Part("mass spectrometers of a national laboratory"), data / files.PNNL, host, document, say)


# ---- a price list --------------------------------------------------------------------------------------------


def _jitri(data: Path, say: Say) -> Part:
    """Each line of the list becomes a service with a price per sample; 0 means that one must ask."""
    from resource_hub.domain.pricing import service as pricing

    part = Part("price list of a testing institute")
    rows = files.table(data / files.PRICES, _PRICE_HEADINGS)
    part.rows = len(rows)
    host = _house(
        "rehearsal/jitri", name_zh="江苏省产业技术研究院检测中心", name_en="Jiangsu industrial testing institute",
        zone="Asia/Shanghai", jurisdiction="CN", region_zh="江苏南京", region_en="Nanjing, Jiangsu",
        latitude=32.06, longitude=118.80,
    )  # fmt: skip
    codes = Counter(row["test_code"] for row in rows if row["test_code"].strip())
    facts: list[tuple[RowFacts, str]] = []
    asked = 0
    for number, row in enumerate(rows, start=2):
        name = " ".join(row["test_item_name"].split())
        if cells.is_empty(name):
            part.refused.append(f"row {row['row']}: no name")
            continue
        condition = " ".join(row["test_condition"].split())
        values = {
            "name_zh": name[:200],
            "summary_zh": "" if cells.is_empty(condition) else condition,
            "city": "南京",
        }
        details = {}
        if not cells.is_empty(row["test_standard"]):
            details["test_standard"] = " ".join(row["test_standard"].split())[:300]
        known = tuple(
            (label, text.strip())
            for label, text in (
                ("代码", row["test_code"]),
                ("部门", row["department"]),
                ("分组", row["group_id"]),
            )
            if text.strip()
        )
        fact = RowFacts(
            number, f"JT-{row['row']}", ResourceKind.SERVICE, None, None, None, values, specification=known,
            details=details,
        )  # fmt: skip
        facts.append((fact, row["unit_price"]))
        asked += cells.amount(row["unit_price"]) == 0
    options = service.ImportOptions(listed=True, complete=False, kind=ResourceKind.SERVICE)
    tariffs = 0
    for batch in _batches(facts, 100):
        with unit_of_work():
            outcome = service.apply_rows(host, [fact for fact, _ in batch], options, person_id=None)
            keys = service.keys_of_codes(host, [fact.code for fact, _ in batch])
            for fact, price in batch:
                if fact.line in outcome.refused_lines:
                    continue
                tariffs += _price(pricing, keys[fact.code], price)
        part.created += outcome.created
        part.updated += outcome.updated
        part.unchanged += outcome.unchanged
        part.refused += [f"line {p.line}: {p.reason.code} {dict(p.reason.values)}" for p in outcome.problems]
        say(f"  {part.created + part.updated + part.unchanged:,} services")
    part.notes += [
        f"{tariffs:,} tariffs created; {asked} lines priced 0 ask for a quote",
        f"{sum(1 for n in codes.values() if n > 1)} test codes stand on several lines; lines keep their own number",
    ]
    part.created += tariffs
    return part


def _price(pricing: Any, key: HostKey, text: str) -> int:
    """The tariff of one line in force; 1 when it is new."""
    minor = cells.amount(text)
    document: dict[str, Any] = {"format": 1, "currency": "CNY"}
    if minor == 0:
        document["ask"] = True
    else:
        document["sample"] = {"all": f"{minor // 100}.{minor % 100:02d}"}
    if pricing.tariff_in_force(key, PRICES_SINCE) is not None:
        return 0
    pricing.adopt(key, document, PRICES_SINCE, basis="published price list")
    return 1
