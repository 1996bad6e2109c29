"""One meaning of "matches": label selectors, cluster affinity, resource selectors.

Pure. Must not know policies beyond the selectors they hold.
"""
