"""The decision: `render(fleet, observation, previous, now)` gives the render tree, bindings, problems and the next wake time.

Pure: reads no clock, network, disk, environment or random source. Composes policy, scheduler, interpreter and overrides; adds no rule of its own
to theirs.
"""
