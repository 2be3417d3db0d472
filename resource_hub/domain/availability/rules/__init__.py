"""Pure decisions of availability, one idea a file."""
