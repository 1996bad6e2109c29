"""Spread constraints: which of the fitting clusters are selected (spec scheduling §3.5), and their filter."""
