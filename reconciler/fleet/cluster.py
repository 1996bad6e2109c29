"""Cluster documents: the decoding lives with the noun, because the status branch holds the same shape."""

from reconciler.model.cluster_document import decode_cluster, decode_cluster_status, encode_cluster_status

__all__ = ["decode_cluster", "decode_cluster_status", "encode_cluster_status"]
