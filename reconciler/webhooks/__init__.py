"""Asking interpreter webhooks over the network. Knows addresses and bytes; must not know what a question means."""
