"""What one cluster must do: changes, their order, what is pruned and what a guard stops.

Pure: desired, live and inventory go in, a Plan comes out. Must not talk to a server.
"""
