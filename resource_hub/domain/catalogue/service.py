"""The door to the catalogue. What others may call stands here; the work is done in the files beside it."""

from __future__ import annotations

from resource_hub.domain.catalogue.importing.bulk import Options as ImportOptions
from resource_hub.domain.catalogue.importing.bulk import apply as apply_rows
from resource_hub.domain.catalogue.importing.bulk import apply_many
from resource_hub.domain.catalogue.importing.run import (
    ImportRecord,
    Preview,
    configure,
    fail,
    go_on,
    import_directly,
    import_run,
    import_runs,
    imports_at_work,
    mappings,
    preview,
    release,
    remapped,
    save_mapping,
    start,
)
from resource_hub.domain.catalogue.index import rebuild as rebuild_index
from resource_hub.domain.catalogue.listings import (
    APPROVES,
    COPYABLE,
    MANAGES,
    add_units,
    approve,
    change_unit,
    copy_apply,
    copy_preview,
    create,
    open_change,
    recall,
    refuse,
    relist,
    save_draft,
    set_working_order,
    submit,
    take_effect,
    withdraw,
)
from resource_hub.domain.catalogue.lookups import (
    PendingListing,
    approved_later,
    change,
    changes,
    compared,
    keys_of_codes,
    listing_clock,
    listing_term,
    pending,
    pending_count,
    resource,
    resource_of,
    resources,
    resources_managed_by,
    resources_of,
    state_counts,
    unit,
    unit_of,
    units,
    units_of,
    visible,
)
from resource_hub.domain.catalogue.search import (
    Hit,
    Query,
    Results,
    nearest_elsewhere,
    prices_for,
    search,
    suggestions,
)

__all__ = [
    "APPROVES", "COPYABLE", "MANAGES", "Hit", "ImportOptions", "ImportRecord", "PendingListing", "Preview",
    "Query", "Results", "add_units", "apply_many", "apply_rows", "approve", "approved_later", "change",
    "change_unit", "changes", "compared", "configure", "copy_apply", "copy_preview", "create", "fail",
    "go_on", "import_directly", "keys_of_codes", "import_run", "import_runs", "imports_at_work", "listing_clock",
    "listing_term", "mappings", "nearest_elsewhere", "open_change", "pending", "pending_count", "preview",
    "prices_for", "rebuild_index", "recall", "refuse", "release", "relist", "remapped", "resource",
    "resource_of", "resources", "resources_managed_by", "resources_of", "save_draft", "save_mapping",
    "search", "set_working_order", "start", "state_counts", "submit", "suggestions", "take_effect", "unit",
    "unit_of", "units", "units_of", "visible", "withdraw",
]  # fmt: skip
