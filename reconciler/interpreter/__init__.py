"""What is known about kinds: replicas, revision, dependencies, health, status, retention, pruning.

Pure. One file a kind; one generic walk over declared, webhook, bundled and native rules. Spec: rendering-and-status sections 2 to 5.
"""
