"""Frozen values that pass between the parts, a file for each subject. No I/O."""
