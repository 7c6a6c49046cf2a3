"""What a finished search knows, for people: plain numpy over its arrays, no kernels.

A folder of its own: the files beside it are the source that the compile cache is named after.
"""
