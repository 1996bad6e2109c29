"""Interpreter webhooks, the pure half: whom to ask, what to ask, and what an answer means. Nothing here asks anybody."""
