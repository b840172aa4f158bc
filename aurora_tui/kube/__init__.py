"""Speak: Kubernetes on the wire. Imports nothing of ours but clock, errors and text."""
