"""Every error that Slack's reference names for the methods with which effects are performed, and what it means here."""

from __future__ import annotations

DONE: dict[str, str] = {
    "chat.delete": "message_not_found",
    "chat.postEphemeral": "channel_not_found is_archived user_not_in_channel not_in_channel",
    "conversations.setTopic": (
        "channel_not_found is_archived method_not_supported_for_channel_type missing_scope not_in_channel "
        "too_long user_is_restricted"
    ),
    "conversations.invite": "already_in_channel",
    "conversations.inviteShared": "already_in_channel",
    "conversations.kick": "not_in_channel",
    "conversations.archive": "already_archived channel_not_found not_in_channel",
    "conversations.leave": "channel_not_found last_member",
    "conversations.replies": "thread_not_found",
    "pins.add": (
        "already_pinned bad_timestamp channel_not_found file_not_found file_not_shared message_not_found "
        "no_item_specified not_in_channel not_pinnable restricted_action too_many_pins"
    ),
}
"""What was asked for is so, or happens another way, or matters less than the rest."""

LATER: dict[str, str] = {
    "chat.postMessage": "message_limit_exceeded rate_limited",
    "chat.update": "external_channel_migrating message_limit_exceeded update_failed",
    "chat.postEphemeral": "message_limit_exceeded",
    "conversations.invite": "external_channel_migrating",
    "conversations.inviteShared": "ratelimit invite_lookup_error",
    "conversations.members": "fetch_members_failed invalid_cursor",
    "conversations.history": "invalid_cursor",
    "conversations.replies": "invalid_cursor",
    "users.conversations": "invalid_cursor",
    "files.completeUploadExternal": "file_update_failed",
    "pins.add": "external_channel_migrating",
}
"""It passes."""

NEVER: dict[str, str] = {
    "chat.postMessage": (
        "app_access_restricted as_user_not_supported channel_not_found draft_already_deleted "
        "draft_already_sent draft_has_conflict draft_not_found duplicate_channel_not_found "
        "duplicate_message_not_found ekm_access_denied invalid_blocks invalid_blocks_format "
        "invalid_metadata_format invalid_metadata_schema is_archived markdown_text_conflict "
        "messages_tab_disabled metadata_must_be_sent_from_app metadata_too_large msg_blocks_too_long no_text "
        "not_in_channel restricted_action restricted_action_non_threadable_channel "
        "restricted_action_read_only_channel restricted_action_thread_locked "
        "restricted_action_thread_only_channel send_on_behalf_not_allowed "
        "slack_connect_canvas_sharing_blocked slack_connect_file_link_sharing_blocked "
        "slack_connect_lists_sharing_blocked team_not_found too_many_attachments too_many_contact_cards "
        "cannot_reply_to_message missing_file_data attachment_payload_limit_exceeded"
    ),
    "chat.update": (
        "as_user_not_supported blocked_file_type block_mismatch cant_broadcast_message cant_update_message "
        "channel_not_found edit_window_closed file_deleted file_is_deleted file_not_found "
        "file_share_limit_reached invalid_attachments invalid_blocks invalid_blocks_format "
        "invalid_metadata_format invalid_metadata_schema is_inactive markdown_text_conflict "
        "max_file_sharing_exceeded message_not_found metadata_must_be_sent_from_app metadata_too_large "
        "msg_too_long no_dual_broadcast_content_update no_text posting_to_channel_denied "
        "slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked "
        "slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked "
        "slack_connect_file_upload_sharing_blocked streaming_state_conflict team_not_found "
        "too_many_attachments unable_to_share_files"
    ),
    "chat.delete": "cant_delete_message channel_not_found",
    "chat.postEphemeral": (
        "invalid_blocks invalid_blocks_format markdown_text_conflict messages_tab_disabled msg_too_long "
        "no_text restricted_action too_many_attachments invalid_attachments cannot_reply_to_message"
    ),
    "conversations.create": (
        "cannot_create_channel invalid_name invalid_name_maxlength invalid_name_punctuation "
        "invalid_name_required invalid_name_specials missing_argument missing_scope no_channel "
        "restricted_action canvas_disabled_user_team"
    ),
    "conversations.open": (
        "channel_not_found invalid_user_combination method_not_supported_for_channel_type missing_scope "
        "not_enough_users too_many_users user_disabled user_not_found user_not_visible "
        "users_list_not_supplied"
    ),
    "conversations.invite": (
        "app_cannot_join_channel cant_invite cant_invite_self channel_not_found invitee_cant_see_channel "
        "is_archived org_user_not_in_team method_not_supported_for_channel_type missing_scope no_permission "
        "no_external_invite_permission no_user not_in_channel ura_max_channels user_is_restricted "
        "user_not_found"
    ),
    "conversations.inviteShared": (
        "cannot_share_cross_workspace_channel cannot_share_mandatory_channel channel_archived channel_not_found "
        "connection_limit_exceeded connection_limit_exceeded_pending invalid_channel_type invalid_email "
        "invite_not_found legacy_connection_limit_exceeded member_limit_exceeded message_too_long "
        "not_allowed_for_grid_workspace not_in_channel not_owner not_paid not_supported recipients_not_specified "
        "restricted_action too_many_emails url_in_message user_not_found no_external_invite_permission"
    ),
    "conversations.kick": (
        "cant_kick_from_general cant_kick_self channel_not_found method_not_supported_for_channel_type "
        "missing_scope not_supported restricted_action user_not_found"
    ),
    "conversations.info": "channel_is_limited_access channel_not_found missing_scope",
    "conversations.members": ("channel_not_found invalid_limit method_not_supported_for_channel_type missing_scope"),
    "conversations.archive": (
        "cant_archive_general cant_archive_required method_not_supported_for_channel_type missing_scope "
        "restricted_action"
    ),
    "conversations.leave": (
        "cant_leave_general is_archived method_not_supported_for_channel_type missing_scope user_is_restricted"
    ),
    "conversations.history": (
        "channel_is_limited_access channel_not_found invalid_metadata_filter_keys "
        "invalid_ts_latest invalid_ts_oldest not_in_channel"
    ),
    "conversations.replies": (
        "channel_not_found invalid_metadata_filter_keys invalid_ts_latest invalid_ts_oldest "
        "missing_scope method_not_supported_for_channel_type list_record_comment_fetch_failed"
    ),
    "users.conversations": (
        "invalid_limit invalid_types method_not_supported_for_channel_type missing_argument missing_scope"
    ),
    "files.getUploadURLExternal": (
        "alt_txt_too_large file_upload_size_restricted file_uploads_disabled missing_argument "
        "snippet_too_large storage_limit_reached unknown_snippet_type unknown_subtype file_type_not_allowed "
        "file_uploads_except_images_disabled"
    ),
    "files.completeUploadExternal": (
        "access_denied channel_not_found file_not_found invalid_blocks invalid_channel not_in_channel "
        "posting_to_channel_denied channels_limit_exceeded file_type_not_allowed "
        "file_uploads_except_images_disabled"
    ),
}
"""It can never be done as it is."""

EVERYWHERE = ("internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited")
"""What any method may say, and passes."""
REFUSED_TOKEN = ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked")
