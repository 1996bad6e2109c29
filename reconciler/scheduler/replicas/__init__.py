"""Replicas: how many a cluster can take, and how a number of them is divided (spec scheduling §4.6-§4.8)."""
