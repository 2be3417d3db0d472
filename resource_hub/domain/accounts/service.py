"""The door to accounts. What others may call stands here; the work is done in the files beside it."""

from __future__ import annotations

from resource_hub.domain.accounts.access import (
    LANGUAGES,
    AddressNotConfirmed,
    TooManyTries,
    actor_for_token,
    api_tokens,
    change_password,
    change_profile,
    confirm_address,
    create_api_token,
    end_sessions,
    link_holds,
    register_person,
    request_reset,
    reset_password,
    revoke_api_token,
    send_confirmation_again,
    session_key,
    sign_in,
    signed_in_person,
)
from resource_hub.domain.accounts.firm import decide_class, record_firm_facts, record_standing, try_size
from resource_hub.domain.accounts.groups import add_group, add_group_member, group_members, set_group_leader
from resource_hub.domain.accounts.installing import initialise, is_initialised
from resource_hub.domain.accounts.lookups import (
    actor,
    customer,
    customer_class,
    customer_classes,
    customer_of,
    customers,
    customers_of,
    customers_of_organisation,
    demonstration_people,
    department,
    departments,
    firm_facts,
    firm_facts_history,
    firm_size,
    groups,
    hosts_of_other_zones,
    organisation,
    organisation_names,
    organisations,
    people,
    people_of_customer,
    people_with_role,
    person,
    seats,
    standing,
    standings,
    standings_on,
    waiting_requests,
)
from resource_hub.domain.accounts.membership import (
    accept_invitation,
    accept_invitation_as_new,
    answer_join,
    appoint_first_administrator,
    ask_to_join,
    end_role,
    grant_role,
    invitation,
    invite,
    join_requests,
    joinable,
    leave,
    members,
    my_requests,
    open_invitations,
    open_work,
    withdraw_invitation,
    withdraw_request,
)
from resource_hub.domain.accounts.merging import (
    ImportCounts,
    InstitutionSeed,
    decide_merge,
    fold_name,
    import_institutions,
    merge_proposals,
    propose_merges,
)
from resource_hub.domain.accounts.parameters import sectors, size_table, tech_sme_table
from resource_hub.domain.accounts.ports import install_open_work
from resource_hub.domain.accounts.qualifications import (
    TRAINS,
    Trainings,
    add_training_type,
    grant_training,
    qualified,
    remind_expiring,
    revoke_training,
    training,
    training_types,
    trainings_at,
    trainings_of,
)
from resource_hub.domain.accounts.registration import (
    OrganisationFields,
    add_department,
    change_organisation,
    change_settings,
    decide_registration,
    register_firm,
    registrations_to_check,
)
from resource_hub.domain.accounts.rules.roles import grantable
from resource_hub.domain.accounts.secrets import link_token
from resource_hub.domain.accounts.setting_up import create_organisation
from resource_hub.domain.accounts.walk_ins import (
    WalkIn,
    add_walk_in,
    answer_walk_in,
    ask_firm,
    asked_walk_in,
    is_walk_in,
    walk_ins,
)

__all__ = [
    "LANGUAGES", "TRAINS", "AddressNotConfirmed", "ImportCounts", "InstitutionSeed", "OrganisationFields",
    "TooManyTries", "Trainings", "WalkIn", "accept_invitation", "accept_invitation_as_new", "actor",
    "actor_for_token", "add_department", "add_group", "add_group_member", "add_training_type", "add_walk_in",
    "answer_join", "answer_walk_in", "api_tokens", "appoint_first_administrator", "ask_firm", "ask_to_join",
    "asked_walk_in", "change_organisation", "change_password", "change_profile", "change_settings",
    "confirm_address", "create_api_token", "create_organisation", "customer", "customer_class",
    "customer_classes", "customer_of", "customers", "customers_of", "customers_of_organisation",
    "decide_class", "decide_merge", "decide_registration", "demonstration_people", "department",
    "departments", "end_role", "end_sessions", "firm_facts", "firm_facts_history", "firm_size", "fold_name",
    "grant_role", "grant_training", "grantable", "group_members", "groups", "hosts_of_other_zones",
    "import_institutions", "initialise", "install_open_work", "invitation", "invite", "is_initialised",
    "is_walk_in", "join_requests", "joinable", "leave", "link_holds", "link_token", "members",
    "merge_proposals", "my_requests", "open_invitations", "open_work", "organisation", "organisation_names",
    "organisations", "people", "people_of_customer", "people_with_role", "person", "propose_merges",
    "qualified", "record_firm_facts", "record_standing", "register_firm", "register_person",
    "registrations_to_check", "remind_expiring", "request_reset", "reset_password", "revoke_api_token",
    "revoke_training", "seats", "sectors", "send_confirmation_again", "session_key", "set_group_leader",
    "sign_in", "signed_in_person", "size_table", "standing", "standings", "standings_on", "tech_sme_table",
    "training", "training_types", "trainings_at", "trainings_of", "try_size", "waiting_requests", "walk_ins",
    "withdraw_invitation", "withdraw_request",
]  # fmt: skip
