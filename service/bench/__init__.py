"""`tocsin bench`: this machine measured against the bars, honestly and in one run.

Absolute numbers drift with the machine, so every figure stands beside the machine's own limit,
measured in the same rounds with the same load client.
"""
