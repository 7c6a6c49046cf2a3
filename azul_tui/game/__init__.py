"""The rules of Azul: pure, compiled, and ignorant of search and learning."""
