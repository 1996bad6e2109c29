"""Tells people and other systems what happened: notifiers by name, one Protocol.

Must not hold state of its own: each reason is said once per state change, which the status tree records.
"""
