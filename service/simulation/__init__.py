"""`tocsin simulate`: a definition run headless on a virtual clock, without a database.

The engine is the real one; the world around it is kept in memory: instances and their children,
messages, deadlines, people who answer at once. The same seed gives the same lines.
"""

from service.simulation.run import Options, run_simulation, simulate, simulate_options

__all__ = ["Options", "run_simulation", "simulate", "simulate_options"]
