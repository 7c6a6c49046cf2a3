"""The place Checkpoints: which there are, which are whole, what may be done with one."""
