"""The screen of a demo as pictures: what its records allow, beside what it says."""
