"""Files that a program hands in: one form with fields and files, described as such, the bytes checked by the sender.

::

    blueprint = FormBlueprint("documents_api", __name__, …)

    @blueprint.post(…)
    @blueprint.arguments(OrderDocumentIn, location="multipart")
    @blueprint.arguments(CreateHeaders, location="headers")

Limits and kinds are those of the pages (``support/uploads``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import marshmallow as ma
from flask_smorest.fields import Upload
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict, FileStorage

from resource_hub.entrypoints.api.blueprint import Blueprint, Parser
from resource_hub.entrypoints.api.writing import sent_before
from resource_hub.entrypoints.support import uploads
from resource_hub.kernel.errors import Reason

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


_parser = Parser()


@_parser.location_loader("multipart")
def _fields_and_files(request: Any, schema: Any) -> Any:
    return MultiDictProxy(CombinedMultiDict([request.form, request.files]), schema)


class FormBlueprint(Blueprint):
    """A blueprint that also takes forms with files, ``location="multipart"``."""

    ARGUMENTS_PARSER = _parser
    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING: ClassVar[dict[str, str]] = {
        **Blueprint.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING,
        "multipart": "multipart/form-data",
    }


class FileField(Upload):
    """A part of the form with a file name."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> FileStorage:
        if not isinstance(value, FileStorage) or not value.filename:
            raise ma.ValidationError([Reason("upload.no_file")])  # type: ignore[list-item]
        return value


class ChecksumsField(ma.fields.List):
    """SHA-256 of the files in their order, as hexadecimal figures; left out, nothing is compared."""

    def __init__(self) -> None:
        super().__init__(
            ma.fields.String(validate=ma.validate.Regexp(f"^{_SHA256.pattern}$")),
            load_default=list,
            metadata={
                "description": "SHA-256 of each file in its order; a file that arrives otherwise is refused"
            },
        )


def take(
    sent: Sequence[FileStorage],
    checksums: Sequence[str],
    policy: uploads.Policy,
    place: str,
    headers: dict[str, Any],
) -> list[uploads.Taken]:
    """Store the files if the policy allows each, and each is what its sender meant. A repetition stores nothing: what
    was erased since does not come back.

    Raises:
        FileRefused: as on the pages, or another checksum than the one that was sent with it.
    """
    if checksums and len(checksums) != len(sent):
        raise uploads.FileRefused(Reason("upload.checksum_shape", {}, "sha256"))
    keep = not sent_before(headers)
    taken = [uploads.take(one, policy, place, keep=keep) for one in sent]
    wrong = [
        Reason("upload.checksum", {"name": one.name, "sha256": one.kept.sha256.hex()}, f"sha256/{n}")
        for n, (one, said) in enumerate(zip(taken, checksums, strict=False))
        if one.kept.sha256 != bytes.fromhex(said)
    ]
    if wrong:
        raise uploads.FileRefused(*wrong)
    return taken


def same(taken: Sequence[uploads.Taken], *fields: object) -> bytes:
    """What makes two sendings one request: names, bytes and fields, not the boundaries of the form."""
    return repr([(one.name, one.kept.sha256.hex()) for one in taken] + [str(one) for one in fields]).encode()
