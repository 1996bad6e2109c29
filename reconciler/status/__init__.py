"""Aggregated status: conditions of workloads and clusters, the committed documents, the text for people.

Pure. Quantises what it writes, so that no heartbeat becomes a commit.
"""
