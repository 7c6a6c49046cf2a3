"""The run directory: the only thing that training and its viewers agree on.

Standard library only. It knows nothing of Azul, of networks or of terminals: a run is a
folder into which one process writes and from which any number read.
"""
