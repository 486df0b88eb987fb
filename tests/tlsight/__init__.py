"""Tests of the package `tlsight`."""
