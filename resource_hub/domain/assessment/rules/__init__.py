"""Rules of assessment, pure: frozen facts and parameters in, figures out."""
