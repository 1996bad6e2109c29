"""Scores: how much a cluster is preferred (spec scheduling §4.5). One module each; pure; 0 to 100."""
