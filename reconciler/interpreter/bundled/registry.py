"""All bundled kinds."""

RULES_BY_KIND = {}
