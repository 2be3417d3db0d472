"""Letters on their way. Claimed in one short unit, sent outside of any, marked in another one."""

from __future__ import annotations

import logging

from flask import current_app

import config
from resource_hub.adapters import mail as adapters
from resource_hub.domain.notices import service
from resource_hub.entrypoints.jobs import Job, JobContext, JobResult
from resource_hub.entrypoints.support import letters

log = logging.getLogger("resource_hub.mail")
BATCH = 10


def send_letters(context: JobContext) -> JobResult:
    """Send what is due. A letter that fails waits longer each time and is given up after eight tries."""
    settings: config.Settings = current_app.extensions["resource_hub_settings"]
    outgoing = adapters.outgoing(settings.mail_url, settings.mail_dir)
    done = 0
    while context.time_left:
        claimed = service.claim_letters(BATCH, context.lease)
        for mail in claimed:
            try:
                outgoing.send(letters.written(mail))
            except adapters.MailRefused as error:
                service.letter_failed(mail.id, str(error), context.lease, final=True)
            except Exception as error:  # one bad letter must not hold up the others
                log.warning("letter %s could not be sent: %s", mail.message_id, type(error).__name__)
                service.letter_failed(mail.id, f"{type(error).__name__}: {error}", context.lease)
            else:
                service.letter_sent(mail.id, context.lease)
                done += 1
        if len(claimed) < BATCH:
            break
    return JobResult(done, 0 if context.time_left else service.letters_waiting())


JOBS = [Job(name="notices.send_letters", every_seconds=5, run=send_letters, quick=True)]
