"""Fields that only one kind of resource has (pure).

Minimal sets: datasets after DataCite 4 (identifier, creator, title, publisher, publication year, resource type
general), natural resources after Darwin Core (occurrenceID, basisOfRecord, scientificName, eventDate), literature after
the parts of a GB/T 7714 reference. DataCite is confirmed by mirrors (M); that GBIF asks for exactly these four Darwin
Core terms is from memory (MEM) and therefore shown as unverified beside the form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from resource_hub.domain.catalogue.terms import ResourceKind
from resource_hub.kernel.errors import Reason


@dataclass(frozen=True, slots=True)
class KindField:
    """One field of a kind; ``term`` names it in the standard, ``choices`` closes the list of its values."""

    name: str
    term: str
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    long: bool = False


# DataCite 4.x, resourceTypeGeneral.
RESOURCE_TYPES = (
    "Audiovisual", "Award", "Book", "BookChapter", "Collection", "ComputationalNotebook", "ConferencePaper",
    "ConferenceProceeding", "DataPaper", "Dataset", "Dissertation", "Event", "Image", "Instrument",
    "InteractiveResource", "Journal", "JournalArticle", "Model", "OutputManagementPlan", "PeerReview",
    "PhysicalObject", "Preprint", "Project", "Report", "Service", "Software", "Sound", "Standard",
    "StudyRegistration", "Text", "Workflow", "Other",
)  # fmt: skip
BASIS_OF_RECORD = (
    "PreservedSpecimen", "LivingSpecimen", "FossilSpecimen", "MaterialSample", "MaterialCitation",
    "HumanObservation", "MachineObservation",
)  # fmt: skip
# GB/T 7714 type marks: monograph, serial article, newspaper, thesis, report, standard, patent, proceedings, other.
LITERATURE_TYPES = ("M", "J", "N", "D", "R", "S", "P", "C", "G", "Z")
# The eight categories of Chinese specimen resources (policy rules §6.6, M).
SPECIMEN_CATEGORIES = (
    "plant", "animal", "microbe", "human_genetic", "biological_specimen", "rock_mineral_fossil",
    "experimental_material", "reference_material",
)  # fmt: skip
ACCESS = ("open", "registration", "agreement", "on_site", "closed")

_YEAR = r"\d{4}"
_DAY = r"\d{4}(-\d{2}(-\d{2})?)?"

FIELDS: dict[ResourceKind, tuple[KindField, ...]] = {
    ResourceKind.INSTRUMENT: (
        KindField("serial_number", "SerialNumber"),
        KindField("inventory_number", "InventoryNumber"),
        KindField("origin", "instrSource", choices=("bought", "built", "given", "other")),
        KindField("customs_supervised", "instrSupervise", choices=("yes", "no")),
        KindField("cstr", "CSTR", pattern=r"(CSTR:)?\w{5}\.\d{2}\..+"),
    ),
    ResourceKind.FACILITY: (
        KindField("area", "area"),
        KindField("standard_met", "standard"),
    ),
    ResourceKind.DATASET: (
        KindField("identifier", "Identifier", required=True),
        KindField("creator", "Creator", required=True),
        KindField("publisher", "Publisher", required=True),
        KindField("publication_year", "PublicationYear", required=True, pattern=_YEAR),
        KindField("resource_type", "ResourceTypeGeneral", required=True, choices=RESOURCE_TYPES),
        KindField("subject", "Subject"),
        KindField("licence", "Rights"),
        KindField("size", "Size"),
        KindField("format", "Format"),
        KindField("access", "access", choices=ACCESS),
    ),
    ResourceKind.LITERATURE: (
        KindField("authors", "主要责任者", required=True),
        KindField("type_mark", "文献类型标识", required=True, choices=LITERATURE_TYPES),
        KindField("published_in", "出处"),
        KindField("publisher", "出版者"),
        KindField("year", "出版年", required=True, pattern=_YEAR),
        KindField("volume_issue_pages", "卷期页"),
        KindField("identifier", "DOI/ISBN/ISSN"),
        KindField("language", "语种"),
        KindField("access", "access", choices=ACCESS),
    ),
    ResourceKind.NATURAL: (
        KindField("occurrence_id", "occurrenceID", required=True),
        KindField("basis_of_record", "basisOfRecord", required=True, choices=BASIS_OF_RECORD),
        KindField("scientific_name", "scientificName", required=True),
        KindField("event_date", "eventDate", pattern=_DAY),
        KindField("category", "category", choices=SPECIMEN_CATEGORIES),
        KindField("holder_number", "holder's number"),
        KindField("locality", "locality"),
        KindField("preservation", "preparations"),
        KindField("access", "access", choices=ACCESS),
    ),
    ResourceKind.SERVICE: (
        KindField("test_standard", "test standard"),
        KindField("turnaround_days", "turnaround", pattern=r"\d{1,4}"),
        KindField("sample_requirements", "sample", long=True),
        KindField("accreditation", "CMA/CNAS"),
    ),
}


def fields_of(kind: ResourceKind) -> tuple[KindField, ...]:
    return FIELDS[kind]


def check_details(kind: ResourceKind, details: Mapping[str, str], *, complete: bool) -> list[Reason]:
    """Everything wrong with the kind's own fields; ``complete`` also asks for the required ones."""
    reasons: list[Reason] = []
    known = {item.name: item for item in FIELDS[kind]}
    for name in details:
        if name not in known:
            reasons.append(Reason("catalogue.detail_unknown", {"field": name}, f"details.{name}"))
    for item in known.values():
        value = (details.get(item.name) or "").strip()
        place = f"details.{item.name}"
        if not value:
            if complete and item.required:
                reasons.append(
                    Reason("catalogue.detail_missing", {"field": item.name, "term": item.term}, place)
                )
        elif item.choices and value not in item.choices:
            reasons.append(
                Reason(
                    "catalogue.detail_choice",
                    {"field": item.name, "value": value, "choices": ", ".join(item.choices)},
                    place,
                )
            )
        elif item.pattern and not re.fullmatch(item.pattern, value):
            reasons.append(
                Reason(
                    "catalogue.detail_shape", {"field": item.name, "value": value, "term": item.term}, place
                )
            )
    return reasons
