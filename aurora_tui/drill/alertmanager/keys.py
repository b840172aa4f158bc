"""The keys of Alertmanager 0.25's configuration, in the order in which it writes them (config/*.go)."""

from __future__ import annotations

TOP = ("global", "route", "inhibit_rules", "receivers", "templates", "mute_time_intervals", "time_intervals")
GLOBAL_DEFAULTS = {
    "http_config": {"follow_redirects": True, "enable_http2": True},
    "smtp_hello": "localhost",
    "smtp_require_tls": True,
    "pagerduty_url": "https://events.pagerduty.com/v2/enqueue",
    "opsgenie_api_url": "https://api.opsgenie.com/",
    "wechat_api_url": "https://qyapi.weixin.qq.com/cgi-bin/",
    "victorops_api_url": "https://alert.victorops.com/integrations/generic/20131114/alert/",
    "telegram_api_url": "https://api.telegram.org",
    "webex_api_url": "https://webexapis.com/v1/messages",
}
"""What a real Alertmanager shows of settings that nobody made. No receiver of a drill uses any of these addresses."""
GLOBAL = (
    "resolve_timeout",
    *GLOBAL_DEFAULTS,
    *("smtp_from", "smtp_smarthost", "smtp_auth_username", "smtp_auth_password", "smtp_auth_password_file"),
    *("smtp_auth_secret", "smtp_auth_identity", "slack_api_url", "slack_api_url_file"),
    *("opsgenie_api_key", "opsgenie_api_key_file", "wechat_api_secret", "wechat_api_corp_id"),
    *("victorops_api_key", "victorops_api_key_file"),
)
ROUTE = (
    "receiver",
    "group_by",
    "match",
    "match_re",
    "matchers",
    "mute_time_intervals",
    "active_time_intervals",
    "continue",
    "routes",
    "group_wait",
    "group_interval",
    "repeat_interval",
)
INHIBITION = (
    "source_match",
    "source_match_re",
    "source_matchers",
    "target_match",
    "target_match_re",
    "target_matchers",
    "equal",
)
_EVERY = ("send_resolved", "http_config")
INTEGRATIONS = {
    "pagerduty_configs": (
        *_EVERY,
        *("service_key", "service_key_file", "routing_key", "routing_key_file", "url", "client", "client_url"),
        *("description", "details", "images", "links", "severity", "class", "component", "group"),
    ),
    "slack_configs": (
        *_EVERY,
        *("api_url", "api_url_file", "channel", "username", "color", "title", "title_link", "pretext", "text"),
        *("fields", "short_fields", "footer", "fallback", "callback_id", "icon_emoji", "icon_url", "image_url"),
        *("thumb_url", "link_names", "mrkdwn_in", "actions"),
    ),
    "webhook_configs": (*_EVERY, "url", "url_file", "max_alerts"),
}
"""Those whose keys the drill knows."""
RECEIVER = (
    "name",
    *INTEGRATIONS,
    *("discord_configs", "email_configs", "opsgenie_configs", "pushover_configs", "sns_configs", "telegram_configs"),
    *("victorops_configs", "webex_configs", "wechat_configs"),
)
