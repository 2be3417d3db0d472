"""Measurements and long trials of the product; ./dev bench NAME."""
