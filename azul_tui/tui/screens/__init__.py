"""The screens, one file each. A screen turns what the app follows into one picture."""
