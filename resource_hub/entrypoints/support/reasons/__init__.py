"""Sentences for reasons, one module per area: ``SENTENCES`` and ``REMEDIES``, both by code."""
