"""Rules for third-party kinds that this program knows by itself, one file a kind (spec rendering-and-status §5).

Pure, and our own: what they answer is judged by Karmada's recorded documents, never read from its scripts.
"""
