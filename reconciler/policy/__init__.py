"""Propagation policies: decoding, which one claims a template, precedence, preemption.

Pure. Spec: scheduling section 2.
"""
