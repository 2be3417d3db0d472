"""Pure rules of accounts: credit codes, size classes, technology SMEs, roles, customer classes."""
