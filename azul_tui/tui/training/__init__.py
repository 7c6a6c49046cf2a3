"""The training screen as pictures: pure functions of a `TrainingState` and a size."""
