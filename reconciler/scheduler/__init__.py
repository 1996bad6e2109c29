"""Cluster selection and replica division, as Karmada does it: filter, score, select, assign.

Pure. Plugins are values in a table; a verdict always carries its reasons. Spec: scheduling sections 3 and 4.
"""
