"""The stored file behind an import, opened for pages and jobs."""

from __future__ import annotations

from resource_hub.domain.catalogue import service
from resource_hub.domain.catalogue.errors import SheetRefused
from resource_hub.domain.catalogue.importing import sheet as sheets
from resource_hub.domain.catalogue.importing.sheet import Sheet
from resource_hub.entrypoints.support import uploads
from resource_hub.infra import files
from resource_hub.kernel.errors import Reason


def sheet_of(record: service.ImportRecord, **said: str) -> Sheet:
    """The stored file of an import, ready to be read, as was found out or as the person said.

    Raises:
        SheetRefused: it cannot be read, or its bytes are gone.
    """
    stored = files.find(record.key.institution_id, record.file_id)
    path = uploads.store().path(stored.sha256) if stored is not None else None
    if path is None or not path.exists():
        raise SheetRefused(Reason("catalogue.import_file_gone", {}))
    shape = record.shape
    if shape is not None and not any(said.values()):
        return Sheet(path, shape)
    return sheets.open_sheet(path, **said)
