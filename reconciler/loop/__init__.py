"""The reconciler at work: one pass (`cycle`), what starts a pass (`triggers`), who may write (`leader`), when to come back.

Ties the layers below together in the order of `docs/architecture.md`. Must not decide placement or deletion itself.
"""
