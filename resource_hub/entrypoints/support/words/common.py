"""Words used everywhere."""

from resource_hub.entrypoints.support.text import N_, NP_

WORDS = {
    "common.yes_no.true": N_("yes"),
    "common.yes_no.false": N_("no"),
    "common.language.zh": N_("Chinese"),
    "common.language.en": N_("English"),
    "common.kind.instrument": N_("instrument"),
    "common.kind.facility": N_("facility"),
    "common.kind.natural_resource": N_("natural resource"),
    "common.kind.dataset": N_("dataset"),
    "common.kind.literature": N_("literature"),
    "common.kind.service": NP_("kind of resource", "service"),
}
