"""One file a kind, holding every rule on that kind, and `RULES` at its end. Pure; nothing registers itself."""
