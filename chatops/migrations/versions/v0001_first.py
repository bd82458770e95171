"""All tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "advisory",
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("cwes", sa.Text(), nullable=True),
        sa.Column("fixed", sa.Text(), nullable=True),
        sa.Column("vulnerable", sa.Text(), nullable=True),
        sa.Column("credits", sa.Text(), nullable=True),
        sa.Column("references", sa.Text(), nullable=True),
        sa.Column("corrections", sa.Text(), nullable=True),
        sa.Column("sent", sa.String(), nullable=True),
        sa.Column("reviewed", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("case"),
    )

    op.create_table(
        "anchor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heads", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "archive",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("path", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_archive_name", "archive", ["name"])
    op.create_index("ix_archive_version", "archive", ["version"])

    op.create_table(
        "archivedigest",
        sa.Column("archive", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("archive", "algorithm", "source"),
    )
    op.create_index("ix_archivedigest_digest", "archivedigest", ["digest"])

    op.create_table(
        "board",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("shown", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )

    op.create_table(
        "case",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("drill", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("embargo", sa.String(), nullable=False),
        sa.Column("exposure", sa.String(), nullable=False),
        sa.Column("fix", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("backup", sa.String(), nullable=True),
        sa.Column("reporter", sa.String(), nullable=True),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("reporter_known", sa.Boolean(), nullable=False),
        sa.Column("wishes", sa.Text(), nullable=True),
        sa.Column("credit", sa.Text(), nullable=True),
        sa.Column("asked_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("process", sa.Text(), nullable=True),
        sa.Column("next_word", sa.DateTime(timezone=True), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("triaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("severity", sa.String(), nullable=True),
        sa.Column("band", sa.String(), nullable=True),
        sa.Column("complexity", sa.Text(), nullable=True),
        sa.Column("boundary", sa.Text(), nullable=True),
        sa.Column("exposed", sa.Text(), nullable=True),
        sa.Column("versions", sa.Text(), nullable=True),
        sa.Column("mitigation", sa.Text(), nullable=True),
        sa.Column("component", sa.Text(), nullable=True),
        sa.Column("cve", sa.String(), nullable=True),
        sa.Column("pack", sa.Integer(), nullable=False),
        sa.Column("review_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("private_release_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("announcing_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("links", sa.Text(), nullable=True),
        sa.Column("referred", sa.String(), nullable=True),
        sa.Column("referral", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_case_closed_at", "case", ["closed_at"])
    op.create_index("ix_case_origin", "case", ["origin"])
    op.create_index("ix_case_reporter", "case", ["reporter"])

    op.create_table(
        "contact",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=True),
        sa.Column("roles", sa.Text(), nullable=True),
        sa.Column("groups", sa.Text(), nullable=True),
        sa.Column("standing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("public_key", sa.String(), nullable=True),
        sa.Column("lead_days", sa.Integer(), nullable=True),
        sa.Column("builds_private", sa.Boolean(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("ix_contact_organisation", "contact", ["organisation"])

    op.create_table(
        "contactaddress",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("service", "tenant", "address"),
    )
    op.create_index("ix_contactaddress_contact", "contactaddress", ["contact"])

    op.create_table(
        "cursor",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "downstream",
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("fix", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("case", "organisation"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("service", "tenant", "key"),
    )
    op.create_index("ix_inbox_waiting", "inbox", ["state", "conversation", "id"])

    op.create_table(
        "journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("where", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("texts", sa.Text(), nullable=True),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chain", "seq"),
    )
    op.create_table(
        "note",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_note_case", "note", ["case"])

    op.create_table(
        "occupant",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("place", "address"),
    )
    op.create_table(
        "offered",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_offered_case", "offered", ["case"])

    op.create_table(
        "original",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_original_case", "original", ["case"])

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("room", sa.String(), nullable=True),
        sa.Column("audience", sa.String(), nullable=True),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("tlp", sa.Integer(), nullable=False),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("deed", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("spared", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event", sa.String(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_outbox_case", "outbox", ["case"])
    op.create_index("ix_outbox_conversation", "outbox", ["conversation", "state", "id"])
    op.create_index("ix_outbox_event", "outbox", ["event"])
    op.create_index("ix_outbox_place", "outbox", ["place"])
    op.create_index("ix_outbox_step", "outbox", ["step"])
    op.create_index("ix_outbox_state", "outbox", ["state", "service", "id"])

    op.create_table(
        "packitem",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_packitem_case", "packitem", ["case"])

    op.create_table(
        "participant",
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=True),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("also_reported", sa.Boolean(), nullable=False),
        sa.Column("told_now", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("silent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("terms_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pack", sa.Integer(), nullable=False),
        sa.Column("pack_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("case", "contact"),
    )
    op.create_index("ix_participant_contact", "participant", ["contact"])

    op.create_table(
        "pending",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("hand", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_pending_case", "pending", ["case"])

    op.create_table(
        "place",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("room", sa.String(), nullable=True),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("contact", sa.String(), nullable=True),
        sa.Column("clearance", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("shows_past", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_place_case", "place", ["case"])
    op.create_index("ix_place_contact", "place", ["contact"])
    op.create_index("ix_place_room", "place", ["room"])

    op.create_table(
        "planstep",
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("case", "step"),
    )

    op.create_table(
        "proposal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("votes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_proposal_case", "proposal", ["case"])

    op.create_table(
        "release",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("upgrade_to", sa.String(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_page", sa.Boolean(), nullable=False),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("immutable", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_index("ix_release_case", "release", ["case"])

    op.create_table(
        "timer",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("case", sa.String(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("fired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_timer_case", "timer", ["case"])
    op.create_index("ix_timer_due", "timer", ["due"])
