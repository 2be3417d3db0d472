"""Pure rules of usage, split by idea: grades, hours, states, taps, ledger."""
