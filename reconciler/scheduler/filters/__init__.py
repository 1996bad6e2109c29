"""Filters: why a cluster cannot take a template (spec scheduling §4.4). One module each; pure; one context, one verdict."""
