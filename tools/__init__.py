"""What ./dev runs. Standard library only, but for look.py, which needs the test packages."""
