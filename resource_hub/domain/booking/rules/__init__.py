"""Pure decisions of booking, one idea a file."""
