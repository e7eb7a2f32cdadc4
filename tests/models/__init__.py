"""Random structured diagrams for R4: made from a seed, written as BPMN, walked at random, shrunk.

`generating.model(seed)` gives blocks, `writing.write(model)` the files of a bundle, `walking.walk` a
random path through it. A failing model is made small by `shrinking.shrink` and kept as a file.
"""
