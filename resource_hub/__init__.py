"""Resource Hub: shared instruments and other research resources, booked, recorded, billed, supported, assessed."""

__version__ = "0.1.0"
