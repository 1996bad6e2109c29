"""From documents to a Fleet: which documents count, schema checks, decoding, defaults, validation.

Pure. Every finding is a Problem with its place; what is refused is remembered, so that what it governs can be held.
"""
