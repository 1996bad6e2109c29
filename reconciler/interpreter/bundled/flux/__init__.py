"""Kinds of Flux: sources, and what is made of them."""
