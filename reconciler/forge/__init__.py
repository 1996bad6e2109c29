"""Code hosts: pull request comments and commit statuses.

The text comes from `diff.markdown`; this package only posts it.
"""
